/** The mark of a running synchronous call, and what it says about a stack that was taken after it. */
import type { RecentFrame } from '../../../src/protocol/thread-api.ts';
import type { SharedMemory } from '../../shared-memory.ts';
import { readSite } from '../stall/call-site.ts';
import { callName, type MarkedCalls } from '../stall/marked-calls.ts';

export interface Mark {
  call: string;
  /** It is a JavaScript function of Node, not a built-in. */
  ofNode: boolean;
  /** Where it was called. */
  site: RecentFrame[] | null;
}

/** The function of that name and file as it was seen before, with its beginning. */
export type Known = (name: string, url: string) => RecentFrame | undefined;

export function readMark({ shared, marks }: { shared: SharedMemory; marks: Pick<MarkedCalls, 'running'> }) {
  const call = marks.running();
  if (!call) return null;
  const site = readSite(shared)?.filter(([, , , , awaits]) => !awaits);
  const mark: Mark = {
    call: call.module.endsWith('.node') ? callName(call) : call.name,
    ofNode: /^[a-z]/.test(call.module) && !call.module.endsWith('.node'),
    site: site?.map(([name, url, line, column]) => [name, url ?? '', line, column]) ?? null,
  };
  return mark;
}

/** The marked call, and the stack that it was made from: that of the answer, or the one that the thread recorded. */
export function stackOfMark(mark: Mark, frames: readonly RecentFrame[], known: Known): RecentFrame[] {
  return [frameOf(mark, known), ...callersOf(mark, frames, known)];
}

/** Where the marked call is on the stack; -1 if it is not. */
export function indexOfMark({ call }: Mark, frames: readonly RecentFrame[]): number {
  return frames.findIndex(([name, url]) => name === call && (url === '' || url.startsWith('node:')));
}

function frameOf({ call, ofNode }: Mark, known: Known): RecentFrame {
  return (ofNode && known(call, 'node:')) || [call, '', 0, 0];
}

function callersOf({ site }: Mark, frames: readonly RecentFrame[], known: Known): readonly RecentFrame[] {
  if (!site || site.length === 0) return frames;
  const at = frames.findIndex(([name, url]) => name === site[0]![0] && url === site[0]![1]);
  return at >= 0 ? frames.slice(at) : site.map((frame) => known(frame[0], frame[1]) ?? frame);
}
