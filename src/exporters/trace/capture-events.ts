import { constants } from 'node:perf_hooks';
import type { CapturedThread } from '../../protocol/async-trace.ts';
import { labelOf, phaseOf, placeOf, stackText } from './labels.ts';
import { type Lane, lanesOf } from './lanes.ts';
import type { Operation, Run } from './operation.ts';
import { readOperations } from './operations.ts';
import { clean, fullPlace } from './text.ts';
import { trackOf } from './threads.ts';
import type { ThreadEvent, TraceEvent } from './types.ts';

/** Callbacks are shorter than what they end: they are kept from this fraction of a lane's least length. */
const RUN_SHARE = 10;
/** A viewer cannot bind a flow to a shorter slice. */
const LEAST_RUN_US = 0.25;
const COLLECTIONS: Record<number, string> = {
  [constants.NODE_PERFORMANCE_GC_MAJOR]: 'major collection',
  [constants.NODE_PERFORMANCE_GC_MINOR]: 'minor collection',
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL]: 'incremental marking',
  [constants.NODE_PERFORMANCE_GC_WEAKCB]: 'weak callbacks',
};

export interface CaptureEvents {
  events: TraceEvent[];
  /** What did not fit. */
  leftOut: { lanes: number; runs: number; flows: number };
}

/** Those of one thread; the shortest runs and lanes are dropped first if there are more than `maxEvents`. */
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
  const room = Math.max(0, maxEvents - collections.length);
  const chosen = chooseFor(room, runs, lanes);
  const events = [
    ...collections,
    ...chosen.runs.map((run) => toEvent(sliceOf(run))),
    ...chosen.lanes.flatMap((lane, i) => laneEvents(lane, `${owner}.${i}`).map((event) => toEvent(event))),
    ...chosen.flows.flatMap((run, i) => flowEvents(run, flowId(threadId, i)).map((event) => toEvent(event))),
  ].slice(0, maxEvents);
  const isFlow = ({ operation: { maker } }: Run): boolean =>
    maker !== null && maker.endUs - maker.startUs >= LEAST_RUN_US;
  const flows = runs.reduce((sum, run) => sum + (isFlow(run) ? 1 : 0), 0);
  const leftOut = {
    lanes: lanes.length - chosen.lanes.length,
    runs: runs.length - chosen.runs.length,
    flows: flows - chosen.flows.length,
  };
  return { events, leftOut };
}

interface Choice {
  runs: Run[];
  lanes: Lane[];
  /** Runs whose slice has a flow to it. */
  flows: Run[];
  count: number;
}

/** As many as fit. */
function chooseFor(room: number, runs: readonly Run[], lanes: readonly Lane[]): Choice {
  const runUs = Float64Array.from(runs, ({ startUs, endUs }) => endUs - startUs);
  const laneUs = Float64Array.from(lanes, ({ startUs, endUs }) => endUs - startUs);
  let leastUs = 0;
  // The events of the lanes come on top: begin with this.
  const atLeast = (us: number): number => countFrom(runUs, us / RUN_SHARE) + 2 * countFrom(laneUs, us);
  while (atLeast(leastUs) > room) leastUs = nextAfter(leastUs);
  let chosen = choose(runs, lanes, leastUs);
  while (chosen.count > room) {
    leastUs = nextAfter(leastUs);
    chosen = choose(runs, lanes, leastUs);
  }
  return chosen;
}

const nextAfter = (us: number): number => Math.max(1, us * 1.5);

function countFrom(lengths: Float64Array, us: number): number {
  let count = 0;
  for (const length of lengths) if (length >= us) count++;
  return count;
}

/** Lanes of at least that length, with what started them and what ran for them; other runs from a tenth of it. */
function choose(runs: readonly Run[], lanes: readonly Lane[], leastUs: number): Choice {
  const keptLanes = lanes.filter(({ startUs, endUs }) => endUs - startUs >= leastUs);
  const wanted = new Set<Run>();
  const want = (run: Run | null): void => {
    for (let one = run; one && !wanted.has(one); one = one.within) wanted.add(one);
  };
  for (const { operation } of keptLanes) {
    want(operation.maker);
    want(operation.runs.at(-1) ?? null);
  }
  const kept = runs.filter((run) => wanted.has(run) || run.endUs - run.startUs >= leastUs / RUN_SHARE);
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
    ...(stack && { at: fullPlace(placeOf(operation)), stack }),
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

/** Perfetto accepts only hexadecimal numbers for flows. */
const flowId = (threadId: number, i: number): string => (threadId * 2 ** 32 + i).toString(16);

/** From the slice in which it was started to this run of it. */
function flowEvents({ operation, startUs }: Run, id: string): ThreadEvent[] {
  const common = { cat: 'flow', id, name: operation.isPromise ? 'await' : operation.type };
  // At the very end of its slice, a flow would begin outside of it.
  const fromUs = Math.min(operation.startUs, operation.maker!.endUs - LEAST_RUN_US);
  return [
    { ...common, ph: 's', ts: Math.max(fromUs, operation.maker!.startUs) },
    { ...common, ph: 'f', bp: 'e', ts: startUs },
  ];
}

/** The viewers accept fractions; more digits than the clock has would only make the file longer. */
const rounded = (us: number): number => Math.round(us * 4) / 4;
