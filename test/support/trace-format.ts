/**
 * What the viewers insist on, by the document of the Trace Event Format:
 * https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU
 */
import { expect } from 'vitest';
import type { TraceEvent } from '../../src/exporters/trace/types.ts';

/** A flow with the slices that the viewers bind its ends to. */
export interface BoundFlow {
  name: string;
  from: TraceEvent;
  to: TraceEvent;
}

/** Fails where a viewer would complain, leave something out or draw it elsewhere; returns the flows. */
export function checkTrace(events: readonly TraceEvent[]): BoundFlow[] {
  for (const event of events) checkFields(event);
  checkLanes(events);
  checkSlices(events);
  return checkFlows(events);
}

/** Quarters of a µs at the finest: what a double holds exactly. */
const isTime = (value: unknown): boolean => typeof value === 'number' && value >= 0 && Number.isInteger(value * 4);

function checkFields(event: TraceEvent): void {
  const { ph, name, pid, tid, ts, dur, args = {} } = event;
  const problems = [
    !['M', 'X', 'C', 'i', 'b', 'n', 'e', 's', 'f'].includes(ph) && 'phase',
    (typeof name !== 'string' || name === '') && 'name',
    !(Number.isInteger(pid) && Number.isInteger(tid)) && 'thread',
    ph !== 'M' && !isTime(ts) && 'ts',
    (ph === 'X') !== isTime(dur) && 'dur',
    ph === 'i' && !['t', 'p'].includes(event.s ?? '') && 'scope',
    'bnesf'.includes(ph) && !(event.id && event.cat) && 'id or cat',
    // So Perfetto reads it (json_trace_parser.cc); all other flows it leaves out.
    'sf'.includes(ph) && !/^[0-9a-f]{1,16}$/.test(event.id ?? '') && 'id',
    ph === 'f' && event.bp !== 'e' && 'bp',
    ph === 'C' && !Object.values(args).every(Number.isFinite) && 'values',
  ].filter(Boolean);
  // Called for each of many: `expect` only where it fails.
  if (problems.length > 0) expect.fail(`${problems.join(', ')} of ${JSON.stringify(event)}`);
}

/** Each begins once and ends once, not before. */
function checkLanes(events: readonly TraceEvent[]): void {
  const open = new Map<string, number>();
  for (const event of events) {
    if (!'bne'.includes(event.ph)) continue;
    const key = `${event.pid} ${event.cat} ${event.id}`;
    const since = open.get(key);
    if (event.ph === 'b' ? since !== undefined : !(since !== undefined && since <= event.ts!)) {
      expect.fail(`no lane for ${JSON.stringify(event)}`);
    }
    if (event.ph === 'e') open.delete(key);
    else open.set(key, event.ts!);
  }
  expect([...open.keys()], 'lanes that do not end').toEqual([]);
}

/** Slices of a thread lie within each other, or apart, and come in the order of their starts, the outer one first. */
function checkSlices(events: readonly TraceEvent[]): void {
  const threads = new Map<string, TraceEvent[]>();
  for (const event of events) {
    if (event.ph !== 'X') continue;
    const key = `${event.pid} ${event.tid}`;
    const stack = threads.get(key) ?? [];
    threads.set(key, stack);
    while (stack.length > 0 && endOf(stack.at(-1)!) <= event.ts!) stack.pop();
    const outer = stack.at(-1);
    if (outer && (outer.ts! > event.ts! || endOf(outer) + 1 < endOf(event))) {
      expect.fail(`${JSON.stringify(event)} does not lie within ${JSON.stringify(outer)}`);
    }
    stack.push(event);
  }
}

const endOf = ({ ts, dur }: TraceEvent): number => ts! + dur!;

/** Each id has one start and one end, not before it; both lie within slices, and these are the innermost there. */
function checkFlows(events: readonly TraceEvent[]): BoundFlow[] {
  const starts = new Map<string, TraceEvent>();
  const ends = new Map<string, TraceEvent>();
  for (const event of events) {
    if (event.ph !== 's' && event.ph !== 'f') continue;
    const seen = event.ph === 's' ? starts : ends;
    const key = `${event.pid} ${event.cat} ${event.id}`;
    if (seen.has(key)) expect.fail(`twice: ${JSON.stringify(event)}`);
    seen.set(key, event);
  }
  expect([...starts.keys()].sort()).toEqual([...ends.keys()].sort());
  const sliceAt = createLookUp(events);
  return [...starts].map(([key, start]) => {
    const end = ends.get(key)!;
    const from = sliceAt(start);
    const to = sliceAt(end);
    if (end.ts! < start.ts! || !from || !to) {
      expect.fail(`not within slices: ${JSON.stringify({ start, end, from, to })}`);
    }
    return { name: start.name, from, to };
  });
}

/** The innermost slice around a moment. Slices come in the order of their starts. */
function createLookUp(events: readonly TraceEvent[]): (at: TraceEvent) => TraceEvent | undefined {
  const threads = new Map<string, TraceEvent[]>();
  for (const event of events) {
    if (event.ph !== 'X') continue;
    const key = `${event.pid} ${event.tid}`;
    const slices = threads.get(key) ?? [];
    threads.set(key, slices);
    slices.push(event);
  }
  return ({ pid, tid, ts }) => {
    const slices = threads.get(`${pid} ${tid}`) ?? [];
    let low = 0;
    for (let high = slices.length; low < high; ) {
      const middle = (low + high) >> 1;
      if (slices[middle]!.ts! <= ts!) low = middle + 1;
      else high = middle;
    }
    // Those that it does not lie in are nested in others that it may.
    for (let i = low - 1; i >= 0 && i > low - 1000; i--) if (ts! < endOf(slices[i]!)) return slices[i];
    return undefined;
  };
}
