/**
 * The course of a CPU profile for ui.perfetto.dev, chrome://tracing and DevTools: each call as a slice of its thread.
 * Format: https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU (Trace Event Format).
 */
import { depthsOf, frameName } from '../profile/call-tree.ts';
import type { Samples, ThreadProfile } from '../profile/types.ts';
import { InputError } from '../util/input-error.ts';
import { stripControl } from '../util/text.ts';
import type { Exporter } from './types.ts';

/** The viewers need some 200 bytes of text and 1 kB of memory for each; if there are more, the longest are kept. */
const MAX_SLICES = 300_000;
const MAX_NAME = 200;
/** V8 records at most 255 frames. */
const MAX_DEPTH = 512;
/** 24 bytes each. */
const MAX_CALLS = 10_000_000;
const TOO_MANY = 'This profile has too many calls for a timeline. Take a part of it with --from and --to.';

/** Process number of a profile without one. */
const NO_PID = 1;

/** Calls in the order in which they began, the outer one first, as columns; times in µs since the profile began. */
interface Slices {
  node: number[];
  fromUs: number[];
  toUs: number[];
}

export const timeline: Exporter = {
  id: 'trace-events',
  title: 'trace events',
  extension: 'trace.json',
  mediaType: 'application/json',
  write({ title, unit, threads }) {
    if (unit !== 'us' || threads.every(({ samples }) => samples === null))
      throw new InputError('A timeline needs a CPU profile with the times of its samples. Take another format.');
    const drawn = threads.map((thread) => ({ thread, slices: slicesOf(thread) }));
    const count = drawn.reduce((sum, { slices }) => sum + slices.node.length, 0);
    const leastUs = leastOf(
      drawn.map(({ slices }) => slices),
      count,
    );
    const starts = threads.flatMap(({ origin }) => origin?.startUs ?? []);
    const zeroUs = starts.length > 0 ? Math.min(...starts) : 0;
    const lines = drawn.flatMap(({ thread, slices }, index) => [
      ...namesOf(title, thread, index),
      ...linesOf(thread, slices, { index, leastUs, offsetUs: (thread.origin?.startUs ?? zeroUs) - zeroUs }),
    ]);
    const names = threads.length + 1;
    const about = JSON.stringify({ writer: 'evdiag', dropped: count - (lines.length - names) });
    return `{"displayTimeUnit":"ms","otherData":${about},"traceEvents":[\n${lines.join(',\n')}\n]}\n`;
  },
};

const pidOf = ({ origin }: ThreadProfile): number => origin?.pid ?? NO_PID;
const tidOf = ({ origin }: ThreadProfile, index: number): number => origin?.threadId ?? index;

function namesOf(title: string, thread: ThreadProfile, index: number): string[] {
  const meta = (name: string, text: string): string =>
    JSON.stringify({ ph: 'M', name, pid: pidOf(thread), tid: tidOf(thread, index), args: { name: clean(text) } });
  return [...(index === 0 ? [meta('process_name', title)] : []), meta('thread_name', thread.name)];
}

/** A call that lasts from one sample to the next is one slice. Throws InputError if there are too many. */
function slicesOf(thread: ThreadProfile): Slices {
  const slices: Slices = { node: [], fromUs: [], toUs: [] };
  const { parent, samples } = thread;
  const depths = depthsOf(thread);
  const drawn = drawnNodes(thread, depths);
  /** The open calls, outermost first: their nodes, and their slices. */
  const open: number[] = [];
  const slice: number[] = [];
  const close = (depth: number, atUs: number): void => {
    for (let at = depth; at < open.length; at++) slices.toUs[slice[at]!] = atUs;
    open.length = Math.min(depth, open.length);
  };
  /** Also opens what is above the node: outermost first. */
  const begin = (node: number, atUs: number): void => {
    const common = open.length;
    for (let at = node; depths[at]! > common; at = parent[at]!) open[depths[at]! - 1] = at;
    for (let at = common; at < open.length; at++) {
      slice[at] = slices.node.push(open[at]!) - 1;
      slices.fromUs.push(atUs);
      slices.toUs.push(atUs);
    }
    if (slices.node.length > MAX_CALLS) throw new InputError(TOO_MANY);
  };
  const { node, atUs, weight } = samples ?? NONE;
  let last = 0;
  let endUs = 0;
  for (let i = 0; i < node.length; i++) {
    // A part of a profile may have gaps.
    const isNext = atUs[i]! - endUs < 1;
    if (node[i] !== last || !isNext) {
      const now = drawn[node[i]!]!;
      let common = isNext ? now : 0;
      while (common > 0 && open[depths[common]! - 1] !== common) common = parent[common]!;
      close(depths[common]!, isNext ? atUs[i]! : endUs);
      begin(now, atUs[i]!);
      last = node[i]!;
    }
    endUs = atUs[i]! + weight[i]!;
  }
  close(0, endUs);
  return slices;
}

const NONE: Samples = { node: new Uint32Array(), atUs: new Float64Array(), weight: new Float64Array() };

/** By node, what is drawn for it: nothing (the root) if it is idle; for a very deep one the deepest drawn caller. */
function drawnNodes({ parent, frame, frames }: ThreadProfile, depths: Uint32Array): Uint32Array {
  const drawn = new Uint32Array(parent.length);
  for (let node = 1; node < drawn.length; node++) {
    if (frames[frame[node]!]!.category === 'idle') continue;
    drawn[node] = depths[node]! <= MAX_DEPTH ? node : drawn[parent[node]!]!;
  }
  return drawn;
}

/** The shortest that is kept. A caller is never shorter than what it calls. */
function leastOf(all: readonly Slices[], count: number): number {
  const durations = new Float64Array(count);
  let at = 0;
  for (const { fromUs, toUs } of all) for (let i = 0; i < toUs.length; i++) durations[at++] = toUs[i]! - fromUs[i]!;
  durations.sort();
  return count > MAX_SLICES ? durations[count - MAX_SLICES]! : 0;
}

interface Where {
  index: number;
  leastUs: number;
  offsetUs: number;
}

function linesOf(thread: ThreadProfile, { node, fromUs, toUs }: Slices, { index, leastUs, offsetUs }: Where): string[] {
  const texts = thread.frames.map((frame) => {
    const { file, line, column, category } = frame;
    const at = file === '' ? {} : { at: clean(`${file}:${line}:${column}`) };
    const text = JSON.stringify({ ph: 'X', name: clean(frameName(frame)), cat: category, args: at });
    return `${text.slice(0, -1)},"pid":${pidOf(thread)},"tid":${tidOf(thread, index)}`;
  });
  const lines: string[] = [];
  for (let i = 0; i < node.length; i++) {
    if (toUs[i]! - fromUs[i]! < leastUs) continue;
    const from = Math.round(offsetUs + fromUs[i]!);
    const to = Math.round(offsetUs + toUs[i]!);
    lines.push(`${texts[thread.frame[node[i]!]!]!},"ts":${from},"dur":${to - from}}`);
  }
  return lines;
}

/** Names come from the program: they may hold anything, in any length. */
function clean(text: string): string {
  return stripControl(text).slice(0, MAX_NAME);
}
