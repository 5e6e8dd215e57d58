import { childLists } from '../profile/call-tree.ts';
import type { ProfileFrame, ThreadProfile } from '../profile/types.ts';
import { InputError } from '../recording/input-error.ts';
import type { Exporter } from './types.ts';

/** If the clock is not known. DevTools considers a profile that begins at 0 empty. */
const START_US = 1_000_000;

/** V8's own format, of the first thread: lines and columns 0-based, times µs. Without samples, each node has one. */
export const cpuprofile: Exporter = {
  id: 'cpuprofile',
  title: 'CPU profile of Chrome DevTools',
  extension: 'cpuprofile',
  mediaType: 'application/json',
  write({ threads, unit }) {
    if (unit === 'bytes')
      throw new InputError('A .cpuprofile holds time, not bytes. Choose heapprofile, pprof or speedscope.');
    const thread = threads[0]!;
    const { first, next } = childLists(thread);
    const nodes: string[] = [];
    const hits = hitsOf(thread);
    const ticks = ticksOf(thread);
    for (let node = 0; node < thread.self.length; node++) {
      const children: number[] = [];
      for (let child = first[node]!; child >= 0; child = next[child]!) children.push(child + 1);
      const callFrame = JSON.stringify(callFrameOf(thread.frames[thread.frame[node]!]));
      nodes.push(
        `{"id":${node + 1},"callFrame":${callFrame},"hitCount":${hits[node]},"children":[${children.join(',')}]${ticks[node] ?? ''}}`,
      );
    }
    const { ids, deltas, endUs } = samplesOf(thread);
    const { interval = null, warmCode = null, apart = null, safepoints } = thread.taken ?? {};
    const { startUs, pid = null, threadId = null } = thread.origin ?? {};
    const about = JSON.stringify({ interval, warmCode, apart, safepoints, pid, threadId });
    const fromUs = Math.round(startUs ?? START_US);
    return `{"evdiag":${about},"nodes":[${nodes.join(',\n')}],"startTime":${fromUs},"endTime":${fromUs + endUs},"samples":[${ids.join(',')}],"timeDeltas":[${deltas.join(',')}]}\n`;
  },
};

/** As V8 writes a function; the root has none. */
export function callFrameOf(frame: ProfileFrame | undefined) {
  if (!frame) return { functionName: '(root)', scriptId: '0', url: '', lineNumber: -1, columnNumber: -1 };
  const { file, line, column } = frame;
  return { functionName: frame.function, scriptId: '0', url: file, lineNumber: line - 1, columnNumber: column - 1 };
}

function hitsOf({ samples, self }: ThreadProfile): Uint32Array {
  const hits = new Uint32Array(self.length);
  if (samples) for (const node of samples.node) hits[node]!++;
  else
    self.forEach((weight, node) => {
      if (weight > 0) hits[node] = 1;
    });
  return hits;
}

/** The weights of a node's lines, as V8 writes them: in samples, at least one for a small part. */
function ticksOf({ lines, taken, samples }: ThreadProfile): string[] {
  const texts: string[][] = [];
  const each = taken?.interval ?? 1000;
  for (let i = 0; lines && samples && i < lines.node.length; i++) {
    const ticks = Math.max(1, Math.round(lines.weight[i]! / each));
    texts[lines.node[i]!] ??= [];
    texts[lines.node[i]!]!.push(`{"line":${lines.line[i]},"ticks":${ticks}}`);
  }
  return texts.map((all) => `,"positionTicks":[${all.join(',')}]`);
}

/**
 * Whole µs, as DevTools requires; what rounding takes from one sample it gives to the next. The weight of a sample is how much
 * later the next one is: after a part that was cut out, the following samples move up.
 */
function samplesOf({ samples, self }: ThreadProfile): { ids: number[]; deltas: number[]; endUs: number } {
  const ids: number[] = [];
  const deltas: number[] = [];
  let writtenUs = 0;
  const add = (node: number, atUs: number): void => {
    const delta = Math.max(0, Math.round(atUs) - writtenUs);
    writtenUs += delta;
    ids.push(node + 1);
    deltas.push(delta);
  };
  let at = samples?.atUs[0] ?? 0;
  if (samples) {
    for (let i = 0; i < samples.node.length; i++) {
      add(samples.node[i]!, at);
      at += samples.weight[i]!;
    }
  } else {
    for (let node = 0; node < self.length; node++) {
      if (self[node] === 0) continue;
      add(node, at);
      at += self[node]!;
    }
  }
  return { ids, deltas, endUs: Math.max(writtenUs, Math.round(at)) };
}
