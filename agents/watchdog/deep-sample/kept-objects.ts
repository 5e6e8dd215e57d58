import { afterCollections, growthOfBytes, isRising } from '../../../src/detectors/heap-growth.ts';
import type { Frame, Level, Row, RowOf, RowType } from '../../../src/recording/types.ts';
import type { RawFrame } from '../../shared-memory.ts';
import type { LoadedMaps } from '../loaded-maps.ts';
import { areSessionsHeld, type StackCapture } from '../platform/stack-capture.ts';
import { type AllocationProfile, summarizeKept } from './allocations.ts';
import { startSampling } from './start-sampling.ts';

/** Mean bytes between samples: 1.02–1.03 of the CPU time of a program that does little but allocate. */
const INTERVAL_BYTES = 1 << 17;
/**
 * To read the samples V8 collects all garbage at once, some 1.5 ms per MB that is alive (Node 20–26). A larger heap is
 * not stopped for that without being asked.
 */
const MOST_LIVE_BYTES: Record<Level, number> = { watch: 100e6, diagnose: 256e6 };
const KINDS = ['oldBytes', 'externalBytes'] as const;
const COOL_DOWN_MS: Record<Level, number> = { watch: 600_000, diagnose: 10_000 };
/** At level watch, so long at most are allocations sampled for one suspicion. */
const SAMPLING_MS = 180_000;
/** What does not stay goes meanwhile. */
const LEAST_COLLECTIONS = 2;
const LEAST_MS = 3000;
const LATEST = 3;
/** A thread that does not answer any more. */
const ANSWER_MS = 10_000;
/** A stall that begins about when the profile is asked for is that collection. */
const SLACK_MS = 30;

export interface KeptObjectsOptions {
  capture: StackCapture;
  toFrame(raw: RawFrame): Frame;
  mapped: LoadedMaps['mapped'];
  now(): number;
  record(row: Row): void;
  /** The latest rows of a type, oldest first. */
  rows<T extends RowType>(type: T): readonly RowOf<T>[];
  /** Writes the profile beside the recording and returns the file's name, or null. */
  keepFile(profile: AllocationProfile): string | null;
  /** At level diagnose, allocations are sampled all the time, and not only from a suspicion on. */
  always: boolean;
}

/** The use of the thread's only sampler, until somebody asks for it who goes first. */
export interface Loan {
  isMine(): boolean;
  /** `refused`: the program uses it by itself. */
  giveBack(refused: boolean): void;
}

export type KeptObjects = ReturnType<typeof createKeptObjects>;

/** Samples allocations, and tells which of them are still alive once memory has grown from collection to collection. */
export function createKeptObjects(options: KeptObjectsOptions) {
  const { capture, toFrame, mapped, now, record, rows, keepFile } = options;
  let state: 'off' | 'starting' | 'sampling' | 'lent' | 'refused' = 'off';
  let sinceMs = 0;
  let held = false;
  let asked: { fromMs: number; toMs: number | null } | null = null;
  let roseAt = Number.NEGATIVE_INFINITY;
  let doneAt = Number.NEGATIVE_INFINITY;

  const start = (): void => {
    if (state !== 'off') return;
    state = 'starting';
    startSampling(capture, 'allocations', { samplingInterval: INTERVAL_BYTES }, (started) => {
      if (state !== 'starting') return;
      sinceMs = now();
      state = started ? 'sampling' : 'refused';
      if (!started) capture.detach('allocations');
    });
  };
  const stop = (): void => {
    // It is asked for again a second later.
    if (state === 'off' || state === 'refused' || areSessionsHeld()) return;
    state = 'off';
    // Unlike stopSampling, it makes no profile, which would take a collection.
    capture.post('allocations', 'HeapProfiler.disable', {}, () => {
      if (state === 'off' && !held) capture.detach('allocations');
    });
  };
  const isRipe = (): boolean => {
    if (state !== 'sampling' || now() - sinceMs < LEAST_MS) return false;
    return rows('gc').filter(({ t, majorCount }) => t > sinceMs && majorCount > 0).length >= LEAST_COLLECTIONS;
  };
  const take = (): void => {
    if (asked?.toMs === null) return;
    const since = sinceMs;
    const mine = { fromMs: now(), toMs: null as number | null };
    asked = mine;
    const answer = (profile: AllocationProfile | null): void => {
      if (mine.toMs !== null) return;
      mine.toMs = now();
      if (!profile) {
        stop();
        return;
      }
      const about = { sinceMs: since, intervalBytes: INTERVAL_BYTES, tookMs: mine.toMs - mine.fromMs };
      const file = keepFile(profile);
      mapped(
        () => summarizeKept(profile, toFrame),
        (kept) => record({ t: now(), type: 'allocations', ...about, ...kept, file }),
      );
    };
    capture.post('allocations', 'HeapProfiler.getSamplingProfile', {}, (result) =>
      answer((result as { profile?: AllocationProfile } | null)?.profile ?? null),
    );
    setTimeout(() => answer(null), ANSWER_MS).unref();
  };
  const mayCollect = (level: Level): boolean => {
    if (held || state === 'refused' || areSessionsHeld()) return false;
    // The least of the latest: what was allocated during a collection counts as alive until the next.
    const readings = afterCollections(rows('gc'), 'oldBytes').slice(-LATEST);
    const bytes = readings.map((reading) => reading.bytes);
    const alive = bytes.length > 0 ? Math.min(...bytes) : (rows('memory').at(-1)?.heapUsedBytes ?? 0);
    return alive <= MOST_LIVE_BYTES[level];
  };

  return {
    /** To be called about once a second. */
    consider(level: Level): void {
      if (held) return;
      const t = now();
      const readings = KINDS.map((kind) => afterCollections(rows('gc'), kind));
      if (readings.some(isRising)) roseAt = t;
      const isDue = t - roseAt <= SAMPLING_MS && t - doneAt >= COOL_DOWN_MS[level] && mayCollect(level);
      if (!isDue && !(options.always && level === 'diagnose')) stop();
      else if (state === 'off') start();
      else if (isDue && isRipe() && readings.some(growthOfBytes)) {
        doneAt = t;
        take();
      } else if (isDue && t - sinceMs > SAMPLING_MS) doneAt = t;
    },
    /** No one else samples, and a heap that small may be collected without being asked. */
    mayCollect,
    /** For a look that wants to sample. */
    lend(): Loan {
      stop();
      state = 'lent';
      return {
        isMine: () => state === 'lent',
        giveBack(refused) {
          if (state === 'lent') state = refused ? 'refused' : 'off';
        },
      };
    },
    /** Somebody samples on request: none of ours meanwhile. */
    hold(wanted: boolean): void {
      if (wanted) stop();
      held = wanted;
    },
    /** Whether a stall that began then is the collection that was asked for. */
    caused: (startMs: number): boolean =>
      asked !== null && startMs >= asked.fromMs - SLACK_MS && startMs <= (asked.toMs ?? Number.POSITIVE_INFINITY),
  };
}
