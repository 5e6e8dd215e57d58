import { constants } from 'node:perf_hooks';
import type { CapturedThread } from '../../recording/async-trace.ts';
import { labelOf, phaseOf, placeOf, stackText } from './labels.ts';
import { type Lane, lanesOf } from './lanes.ts';
import { type Operation, type Run, readOperations } from './operations.ts';
import { clean, placeText } from './text.ts';
import { trackOf } from './threads.ts';
import type { ThreadEvent, TraceEvent } from './types.ts';

/** Below it a slice has no length that a viewer could bind a flow to. */
const LEAST_RUN_US = 0.25;
const COLLECTIONS: Record<number, string> = {
  [constants.NODE_PERFORMANCE_GC_MAJOR]: 'major collection',
  [constants.NODE_PERFORMANCE_GC_MINOR]: 'minor collection',
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL]: 'incremental marking',
  [constants.NODE_PERFORMANCE_GC_WEAKCB]: 'weak callbacks',
};

export interface CaptureEvents {
  events: TraceEvent[];
  /** Of what there was no room for. */
  leftOut: { lanes: number; runs: number; flows: number };
}

/** Those of one thread; the shortest runs and lanes go first where there are more than `maxEvents`. */
export function captureEvents(captured: CapturedThread, pid: number, zeroMs: number, maxEvents: number): CaptureEvents {
  const read = readOperations(captured);
  const runs = read.runs.filter(({ startUs, endUs }) => endUs - startUs >= LEAST_RUN_US);
  const lanes = lanesOf(read);
  const { threadId } = captured;
  const offsetUs = rounded((captured.startMonotonicMs - zeroMs) * 1000);
  const owner = `${pid}.${threadId}`;
  const toEvent = (event: ThreadEvent, tid = threadId): TraceEvent => ({
    ...event,
    name: clean(event.name),
    pid,
    tid,
    ts: rounded(offsetUs + event.ts!),
  });
  const collections = read.collections.map(({ kind, startUs, durationUs }) =>
    toEvent(
      { ph: 'X', cat: 'gc', name: COLLECTIONS[kind] ?? 'collection', ts: startUs, dur: rounded(durationUs) },
      trackOf(threadId, 'collections'),
    ),
  );
  const all = choose(runs, lanes, 0);
  let chosen = all;
  const room = Math.max(0, maxEvents - collections.length);
  for (let us = 1; chosen.count > room && us < 1e12; us *= 2) chosen = choose(runs, lanes, us);
  const events = [
    ...collections,
    ...chosen.runs.map((run) => toEvent(sliceOf(run))),
    ...chosen.lanes.flatMap((lane, i) => laneEvents(lane, `${owner}.${i}`).map((event) => toEvent(event))),
    ...chosen.flows.flatMap((run, i) => flowEvents(run, `${owner}.${i}`).map((event) => toEvent(event))),
  ].slice(0, maxEvents);
  const less = (key: 'lanes' | 'runs' | 'flows'): number => all[key].length - chosen[key].length;
  return { events, leftOut: { lanes: less('lanes'), runs: less('runs'), flows: less('flows') } };
}

interface Choice {
  runs: Run[];
  lanes: Lane[];
  /** Runs whose slice has a flow to it. */
  flows: Run[];
  count: number;
}

/** Lanes of at least that long, with what started them and what ran for them; other runs of a tenth of it. */
function choose(runs: readonly Run[], lanes: readonly Lane[], leastUs: number): Choice {
  const keptLanes = lanes.filter(({ startUs, endUs }) => endUs - startUs >= leastUs);
  const wanted = new Set<Run>();
  const want = (run: Run | null): void => {
    for (let one = run; one && !wanted.has(one); one = one.within) wanted.add(one);
  };
  for (const { operation } of keptLanes) {
    want(operation.maker);
    for (const run of operation.runs) if (run.endUs - run.startUs >= leastUs / 100) want(run);
  }
  const kept = runs.filter((run) => wanted.has(run) || run.endUs - run.startUs >= leastUs / 10);
  const isKept = new Set(kept);
  const flows = kept.filter(({ operation: { maker } }) => maker !== null && isKept.has(maker));
  return { runs: kept, lanes: keptLanes, flows, count: kept.length + 2 * keptLanes.length + 2 * flows.length };
}

function sliceOf(run: Run): ThreadEvent {
  const { operation, startUs, endUs, within } = run;
  return {
    ph: 'X',
    cat: within ? 'run' : phaseOf(operation),
    name: labelOf(operation),
    ts: startUs,
    dur: rounded(rounded(endUs) - rounded(startUs)),
    args: argsOf(operation),
  };
}

function argsOf(operation: Operation): Record<string, unknown> {
  const stack = stackText(operation);
  return {
    ...(stack && { at: placeText(placeOf(operation)), stack }),
    ...(operation.isOld && { started: 'before the trace' }),
  };
}

function laneEvents({ operation, startUs, endUs, end }: Lane, id: string): ThreadEvent[] {
  const common = { cat: operation.isPromise ? 'call' : operation.type, id, name: labelOf(operation) };
  const ends = {
    ended: {},
    open: { end: 'it was on its way when the trace ended' },
    unknown: { end: 'not known: events were lost' },
  };
  const args = { ...argsOf(operation), runs: operation.runs.length, ...ends[end] };
  return [
    { ...common, ph: 'b', ts: startUs, args },
    { ...common, ph: 'e', ts: endUs },
  ];
}

/** From the slice in which it was started to this run of it. */
function flowEvents({ operation, startUs }: Run, id: string): ThreadEvent[] {
  const common = { cat: 'flow', id, name: operation.isPromise ? 'await' : operation.type };
  // At the very end of its slice a flow would begin outside of it.
  const fromUs = Math.min(operation.startUs, operation.maker!.endUs - LEAST_RUN_US);
  return [
    { ...common, ph: 's', ts: Math.max(fromUs, operation.maker!.startUs) },
    { ...common, ph: 'f', bp: 'e', ts: startUs },
  ];
}

/** The viewers take fractions; more digits than the clock has would only make the file longer. */
const rounded = (us: number): number => Math.round(us * 4) / 4;
