/**
 * The soak: load, and a stall every second. What the agent holds does not grow, its recordings keep within their
 * bound, and nothing is lost but what is counted. By hand, with figures: SOAK_SECONDS=600 npx vitest run test/soak
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Row, rowsOf, type StallKind, type StallRow } from '../../src/recording/types.ts';
import { lineOf } from '../support/run-agent.ts';
import { growthOf, type MemoryLine, medianOf } from './memory.ts';
import { MAX_MB, SAMPLES, SERVER, type Soak, type StallLine, soak } from './soak.ts';

const SECONDS = Number(process.env.SOAK_SECONDS ?? 40);
/** Far away: start, the last worker, the last answers. */
const LIMIT_MS = SECONDS * 1000 + 120_000;
/** What a heap after collection goes up and down by: caches, optimised code. */
const HEAP_NOISE_BYTES = 1.5e6;
/** Of the summary's rows in memory, by the bytes that they are on disk. */
const KEPT_SHARE = 2.5;
/** Malloc gives back late, and the threads of the application come and go meanwhile. */
const RSS_NOISE_BYTES = 60e6;
/** The row of a stall is of the stall's end and is written some ms later, so that rows of other types may be before it. */
const ROW_LATE_MS = 1000;
/** On a busy machine the watchdog itself may have no core while a stall comes and goes. */
const UNSEEN_SHARE = 0.1;
/** perf_hooks' histogram forgets the delay that its reset falls into; one watched in time is not reset into. */
const LOST_SHARE = 0.01;
/** Of a stall: where the thread waited longer for a core, the host is to blame, and rightly; or nothing can be told. */
const RUN_QUEUE_SHARE = { kind: 0.2, line: 0.5 };
const RIGHT_SHARE = 0.9;
/** The server's function that blocks, and what kind of a stall that is; its line ends in this mark. */
const KINDS: Record<string, StallKind> = { compute: 'js-cpu', parse: 'json', load: 'sync-fs', hash: 'sync-crypto' };

const folder = mkdtempSync(join(tmpdir(), 'evdiag-soak-'));
let run: Soak;
let made: StallLine[];
let memory: MemoryLine[];

beforeAll(async () => {
  run = await soak(folder, SECONDS);
  made = run.lines.filter((line) => line.type === 'stall');
  memory = run.lines.filter((line) => line.type === 'memory');
  if (process.env.SOAK_SECONDS) console.log(figures());
}, LIMIT_MS);
afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));

test('the server was tried, and served all', () => {
  expect(run.exitCode, run.stderr).toBe(0);
  expect(run.stderr).toBe('');
  expect(run.load).toMatchObject({ failed: 0, errors: [] });
  expect(run.load.served).toBeGreaterThan(SECONDS * 100);
  expect(made.length).toBeGreaterThan(SECONDS / 2);
});

describe('what the agent holds', () => {
  test('the heap of the main thread does not grow', () => {
    expect(growthOf(memory, ({ main }) => main.heapBytes)).toBeLessThan(HEAP_NOISE_BYTES);
    expect(growthOf(memory, ({ main }) => main.externalBytes)).toBeLessThan(HEAP_NOISE_BYTES);
  });

  test('the heap of the watchdog grows by the rows that it keeps for the summary, and by nothing else', () => {
    const keptBytes = KEPT_SHARE * run.writtenBytes;
    expect(growthOf(memory, ({ watchdog }) => watchdog.heapBytes)).toBeLessThan(HEAP_NOISE_BYTES + keptBytes);
    expect(growthOf(memory, ({ watchdog }) => watchdog.externalBytes)).toBeLessThan(HEAP_NOISE_BYTES);
  });

  test('the process does not grow', () => {
    const keptBytes = KEPT_SHARE * run.writtenBytes;
    expect(growthOf(memory, ({ rssBytes }) => rssBytes)).toBeLessThan(RSS_NOISE_BYTES + keptBytes);
  });

  test('descriptors and threads are as many as at the start', () => {
    // Of the application's own threads none: the one that is just ending still has some.
    const alone = memory.filter(({ workers }) => workers === 0);
    expect(alone.length).toBeGreaterThan(SAMPLES / 4);
    const countsIn = (lines: readonly MemoryLine[]) => ({
      descriptors: medianOf(lines.map(({ descriptors, connections }) => (descriptors ?? connections) - connections)),
      threads: medianOf(lines.map(({ threads }) => threads ?? 0)),
    });
    const half = Math.floor(alone.length / 2);
    expect(countsIn(alone.slice(half))).toEqual(countsIn(alone.slice(0, half)));
  });

  test('no thread that has ended is still watched', () => {
    expect(rowsOf(run.recordings[0]!, 'threads').at(-1)).toMatchObject({ alive: 0, unobserved: 0 });
    for (const recording of run.recordings.slice(1)) expect(rowsOf(recording, 'end')).toHaveLength(1);
  });
});

describe('the recordings', () => {
  test('keep within their bound, and turn over', () => {
    expect(run.largestBytes).toBeLessThanOrEqual(MAX_MB * 1e6);
    expect(run.chunks).toBeGreaterThan(1);
  });

  test('can be read while they are written', () => {
    expect(run.reports).toHaveLength(2);
    for (const { rules, recording } of run.reports) {
      expect(recording.durationMs).toBeGreaterThan(0);
      expect(rules.filter(({ outcome }) => outcome === 'error')).toEqual([]);
    }
  });

  test('kept and dropped rows are all the rows that were written', () => {
    const kept = run.recordings[0]!.rows.filter(isWritten).length;
    expect(kept + run.recordings[0]!.droppedRows).toBe(run.written.filter(isWritten).length);
  });

  test('are whole, in order, and tell of no failure of the agent', () => {
    for (const { rows, skippedLines, truncated } of run.recordings) {
      expect({ skippedLines, truncated }).toEqual({ skippedLines: 0, truncated: false });
      expect(rows.filter(({ type }) => type === 'agent-error')).toEqual([]);
      expect(rows.at(-1)?.type).toBe('end');
    }
    expect(run.written.filter(({ type }) => type === 'agent-error')).toEqual([]);
    expect(latestOf(run.written)).toBeLessThan(ROW_LATE_MS);
  });

  test('hold the two changes of the level, and the deep samples between them', () => {
    const levels = run.written.filter((row) => row.type === 'level');
    expect(levels.map(({ level }) => level)).toEqual(['diagnose', 'watch']);
    const deepSamples = run.written.filter((row) => row.type === 'deep-sample' && row.reasons.includes('routine'));
    expect(deepSamples.length).toBeGreaterThan(0);
  });
});

describe('the stalls', () => {
  test('each has its row; of those that the watchdog could not see, the histogram of the delays tells', () => {
    const unseen = made.filter((stall) => rowOf(stall) === undefined);
    const lost = unseen.filter((stall) => !isInHistogram(stall));
    expect(lost.length, JSON.stringify(lost)).toBeLessThanOrEqual(Math.ceil(LOST_SHARE * made.length));
    expect(unseen.length).toBeLessThanOrEqual(atMost(UNSEEN_SHARE, made));
  });

  test('nine of ten have the right line', () => {
    const seen = undisturbed(RUN_QUEUE_SHARE.line);
    const wrong = seen.filter((stall) => placeOf(rowOf(stall)) !== wantedPlaceOf(stall));
    expect(wrong.length).toBeLessThanOrEqual(atMost(1 - RIGHT_SHARE, seen));
  });

  test('nine of ten have the right kind', () => {
    const seen = undisturbed(RUN_QUEUE_SHARE.kind);
    const wrong = seen.filter((stall) => rowOf(stall)?.kind !== KINDS[stall.block]);
    expect(wrong.length).toBeLessThanOrEqual(atMost(1 - RIGHT_SHARE, seen));
  });
});

/** The stalls with a row in which the thread waited for a core for at most that share of the time. */
function undisturbed(share: number): StallLine[] {
  return made.filter((stall) => {
    const row = rowOf(stall);
    return row && (row.runQueueMs ?? 0) <= share * row.durationMs;
  });
}

/** In a short run there may be two more. */
function atMost(share: number, all: readonly unknown[]): number {
  return 2 + share * all.length;
}

/** The row of a stall that the server made: one that covers at least half of it. */
function rowOf({ startMs, endMs }: StallLine): StallRow | undefined {
  const from = startMs - run.header!.startMonotonicMs;
  const to = endMs - run.header!.startMonotonicMs;
  return run.written.find(
    (row): row is StallRow =>
      row.type === 'stall' &&
      Math.min(row.startMs + row.durationMs, to) - Math.max(row.startMs, from) >= (to - from) / 2,
  );
}

/** Whether the first row of the delays after it has a delay as long as most of it. */
function isInHistogram({ startMs, endMs }: StallLine): boolean {
  const end = endMs - run.header!.startMonotonicMs;
  const after = run.written.find((row) => row.type === 'event-loop-delay' && row.t >= end);
  return after?.type === 'event-loop-delay' && after.maxMs >= (endMs - startMs) / 2;
}

function placeOf(row: StallRow | undefined): string {
  return `${row?.location?.file}:${row?.location?.line}`;
}

function wantedPlaceOf({ block }: StallLine): string {
  return `${SERVER}:${lineOf(readFileSync(SERVER, 'utf8'), `// ${KINDS[block]}`)}`;
}

/** Rows that say what was lost are no rows of their own. */
function isWritten({ type }: Row): boolean {
  return type !== 'dropped';
}

/** How far behind the newest row before it any row is. */
function latestOf(rows: readonly Row[]): number {
  let newest = 0;
  return rows.reduce((latest, { t }) => {
    newest = Math.max(newest, t);
    return Math.max(latest, newest - t);
  }, 0);
}

function figures(): object {
  const megabytes = (of: (line: MemoryLine) => number): string => {
    const [first, last] = [memory[0]!, memory.at(-1)!].map((line) => (of(line) / 1e6).toFixed(1));
    const perStall = growthOf(memory, of) / made.length;
    return `${first} → ${last} MB, ${(perStall / 1e3).toFixed(1)} kB per stall`;
  };
  const rows = made.map(rowOf);
  return {
    mainHeap: megabytes(({ main }) => main.heapBytes),
    watchdogHeap: megabytes(({ watchdog }) => watchdog.heapBytes),
    rss: megabytes(({ rssBytes }) => rssBytes),
    recording: `${run.written.length} rows, ${(run.writtenBytes / 1e6).toFixed(1)} MB in ${run.chunks} chunks, at most ${run.largestBytes} bytes at a time`,
    dropped: run.recordings[0]!.droppedRows,
    stalls: `${made.length} made, ${rows.filter((row) => row).length} recorded`,
    rightLine: made.filter((stall) => placeOf(rowOf(stall)) === wantedPlaceOf(stall)).length,
    rightKind: made.filter((stall) => rowOf(stall)?.kind === KINDS[stall.block]).length,
    host: rows.filter((row) => row?.kind === 'host').length,
    requestsPerSecond: Math.round(run.load.served / SECONDS),
    slowestMs: run.load.slowestMs,
    rowsLateMs: latestOf(run.written),
  };
}
