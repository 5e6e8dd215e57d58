/** What a promise is, and whose, by the stack that makes it. */
import { max } from '../../primordials.ts';
import type { RawFrame } from '../../shared-memory.ts';
import { isNodes, isNodesUrl, type Site } from './sites.ts';

/**
 * Whether it is the application's: what Node's own functions await, call and react to within them is not. A promise
 * made by Node for the application shows what an await waits for.
 */
export function isApplications(what: Site['what'], frames: RawFrame[]): boolean {
  if (what === 'promise') return frames.some((frame) => !isNodes(frame));
  const outer = what === 'call' ? frames[1] : frames.find(([, url]) => url !== null);
  return outer !== undefined && !isNodes(outer);
}

/** The same by the files on top, which suffice for most of what Node does within itself. */
export function isNodesOwn(files: (string | null)[], hasParent: boolean): boolean {
  const [top, caller] = files;
  if (top === undefined || (top === null && !hasParent)) return false;
  const outer = hasParent ? files.find((url) => url !== null) : caller;
  return outer !== undefined && isNodesUrl(outer);
}

/** Where an async function is called; with itself if it is one of Node's. */
export function callerOf(frames: RawFrame[]): RawFrame[] {
  return isNodes(frames[0]!) ? frames : frames.slice(1);
}

/** By the built-in on top of the stack; an async function itself is on top where its result or an await is made. */
export function sortOf(
  frames: RawFrame[],
  hasParent: boolean,
): { what: 'await' | 'call' | 'reaction' | 'promise'; type: string } | null {
  const top = frames[0];
  if (!top) return null;
  if (top[1] !== null) return { what: hasParent ? 'await' : 'call', type: '' };
  let type = lastWord(top[0]);
  // A combinator reacts to each of its promises by their then.
  const outer = frames[1];
  if (type === 'then' && outer && outer[1] === null) type = lastWord(outer[0]);
  if (type === '<anonymous>') return null;
  return { what: hasParent ? 'reaction' : 'promise', type: type === 'Promise' ? 'new' : type };
}

/** "Promise.then" and "new Promise" by their last word. */
function lastWord(name: string): string {
  const at = max(name.lastIndexOf('.'), name.lastIndexOf(' '));
  return name.slice(at + 1);
}
