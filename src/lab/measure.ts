import { setImmediate as nextTurn } from 'node:timers/promises';
import type { LabGap, LabRow, Progress } from './types.ts';

/** One batch: 100 000 times the cost of reading the clock, and still short enough that most batches are not interrupted. */
const BATCH_MS = 10;
/** Per case, before anything counts: TurboFan compiles a hot loop within the first few milliseconds. */
const WARM_UP_MS = 50;
/** Fewer rounds give no 10th and 90th percentile. */
const MIN_ROUNDS = 9;
const MAX_ROUNDS = 25;
/** No new round starts after this, so that a slow machine does not make its user wait. */
const BUDGET_MS = 4000;

/** One thing to measure. The hooks are not timed. */
export interface Case {
  id: string;
  title: string;
  /** The most repetitions in one batch: 1 for what is done once. */
  maxCount?: number;
  before?(): Promise<void>;
  /** Does it `count` times, one after the other, and returns how often it was done, as counted by what was done. */
  repeat(count: number): number | Promise<number>;
  afterBatch?(): Promise<void>;
  after?(): Promise<void>;
}

interface Run {
  subject: Case;
  count: number;
  samplesNs: number[];
  failure: string | null;
}

/** Measures all cases side by side: each round has a batch of every one, so that a noisy moment hits all alike. */
export async function measure(cases: readonly Case[], progress: Progress): Promise<{ rows: LabRow[]; gaps: LabGap[] }> {
  const runs = cases.map((subject): Run => ({ subject, count: 1, samplesNs: [], failure: null }));
  try {
    progress(0);
    for (const run of runs) await attempt(run, warmUp);
    await playRounds(runs, progress);
  } finally {
    await Promise.all(cases.map((subject) => subject.after?.()));
  }
  return {
    rows: runs.filter(({ failure }) => failure === null).map(rowOf),
    gaps: runs.flatMap(({ subject: { id, title }, failure }) =>
      failure === null ? [] : [{ id, title, why: failure }],
    ),
  };
}

/** The value below which `share` of the sorted values lie, interpolated. */
export function quantile(sorted: readonly number[], share: number): number {
  const position = (sorted.length - 1) * share;
  const below = sorted[Math.floor(position)] ?? Number.NaN;
  const above = sorted[Math.ceil(position)] ?? Number.NaN;
  return below + (above - below) * (position - Math.floor(position));
}

async function playRounds(runs: readonly Run[], progress: Progress): Promise<void> {
  const start = performance.now();
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const spentMs = performance.now() - start;
    if (round >= MIN_ROUNDS && spentMs > BUDGET_MS) return;
    progress(Math.max(round / MAX_ROUNDS, Math.min(round / MIN_ROUNDS, spentMs / BUDGET_MS)));
    // Forwards and backwards: what a case leaves behind (garbage, cold caches) should not always affect the same neighbour.
    for (const run of round % 2 === 0 ? runs : runs.toReversed()) await attempt(run, playBatch);
  }
}

/** A case that fails is a gap in the table and does not end the others. */
async function attempt(run: Run, step: (run: Run) => Promise<void>): Promise<void> {
  if (run.failure !== null) return;
  try {
    await step(run);
  } catch (error) {
    run.failure = error instanceof Error ? error.message : String(error);
  }
}

/** Runs until the code is hot, and finds how many repetitions fill a batch. */
async function warmUp(run: Run): Promise<void> {
  await run.subject.before?.();
  const most = run.subject.maxCount ?? Number.POSITIVE_INFINITY;
  for (let spentMs = 0; spentMs < WARM_UP_MS; ) {
    const elapsedMs = await timeBatch(run.subject, run.count);
    spentMs += elapsedMs;
    // At most twice as many: a first, slow batch says little about the next.
    const factor = Math.min(2, BATCH_MS / elapsedMs);
    run.count = Math.min(most, Math.max(1, Math.round(run.count * factor)));
  }
}

async function playBatch(run: Run): Promise<void> {
  const elapsedMs = await timeBatch(run.subject, run.count);
  run.samplesNs.push((elapsedMs * 1e6) / run.count);
}

async function timeBatch(subject: Case, count: number): Promise<number> {
  await nextTurn(); // so that what is due already is not counted in
  const start = performance.now();
  const done = await subject.repeat(count);
  const elapsedMs = performance.now() - start;
  await subject.afterBatch?.();
  if (done !== count) throw new Error(`${done} of ${count} were done`);
  return Math.max(elapsedMs, Number.EPSILON);
}

function rowOf({ subject: { id, title }, count, samplesNs }: Run): LabRow {
  const sorted = samplesNs.toSorted((a, b) => a - b);
  const figures = {
    medianNs: quantile(sorted, 0.5),
    p10Ns: quantile(sorted, 0.1),
    p90Ns: quantile(sorted, 0.9),
    roundCount: sorted.length,
    // In each round; the value of a round is the mean of its repetitions.
    repetitionCount: count,
  };
  return { id, title, figures };
}
