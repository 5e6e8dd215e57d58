import { isObject } from '../validate.ts';
import { traceEventsOf } from './trace-events.ts';

/** One pause of the collector, on the clock of the trace (µs of the monotonic clock, here in ms). */
export interface Collection {
  startMs: number;
  endMs: number;
  major: boolean;
}

/** What a trace of V8's category says. */
export interface Trace {
  /** Of the main thread, in order; nested ones count as one. */
  collections: Collection[];
  /** As Node writes it into its traces: versions, platform, arch; empty if that is missing. */
  node: Record<string, unknown>;
  pid: number | null;
  truncated: boolean;
}

/** V8's names for the end of a major collection: they differ between versions. */
const MAJOR = /FinalizeMC|GCCompactor|MarkCompact|MarkSweep/;

/** Throws InputError where the file cannot be read. */
export function traceOf(file: string): Trace {
  const trace: Trace = { collections: [], node: {}, pid: null, truncated: false };
  const byThread = new Map<number, Collection[]>();
  let mainThread: number | null = null;
  for (const event of traceEventsOf(file, (truncated) => Object.assign(trace, { truncated }))) {
    const { name, pid, tid, args } = event;
    if (typeof name !== 'string' || typeof tid !== 'number') continue;
    if (typeof pid === 'number') trace.pid ??= pid;
    if (event.ph === 'M' && isObject(args)) {
      if (name === 'thread_name' && args.name === 'JavaScriptMainThread') mainThread = tid;
      if (name === 'node' && isObject(args.process)) trace.node = args.process;
      continue;
    }
    const collection = collectionOf(event);
    if (collection) add(byThread, tid, collection);
  }
  // On Linux the main thread has the number of the process; elsewhere, or without a name, it is the thread that collects.
  const busiest = [...byThread].sort(([, a], [, b]) => b.length - a.length)[0]?.[0];
  const main = [mainThread, trace.pid, busiest].find((tid) => tid != null && byThread.has(tid));
  return { ...trace, collections: outermost(byThread.get(main ?? -1) ?? []) };
}

function add(byThread: Map<number, Collection[]>, tid: number, collection: Collection): void {
  const known = byThread.get(tid);
  if (known) known.push(collection);
  else byThread.set(tid, [collection]);
}

function collectionOf({ name, ph, ts, dur }: Record<string, unknown>): Collection | null {
  if (ph !== 'X' || !String(name).startsWith('V8.GC')) return null;
  if (typeof ts !== 'number' || typeof dur !== 'number' || !(ts >= 0) || !(dur >= 0)) return null;
  return { startMs: ts / 1000, endMs: (ts + dur) / 1000, major: MAJOR.test(String(name)) };
}

function outermost(collections: Collection[]): Collection[] {
  const merged: Collection[] = [];
  for (const one of collections.sort((a, b) => a.startMs - b.startMs)) {
    const last = merged.at(-1);
    if (!last || one.startMs >= last.endMs) merged.push({ ...one });
    else {
      last.endMs = Math.max(last.endMs, one.endMs);
      last.major ||= one.major;
    }
  }
  return merged;
}
