import { earlyGrowthOf } from '../../../src/detectors/early-growth.ts';
import { afterCollections, growthOfBytes, isRising } from '../../../src/detectors/heap-growth.ts';
import type { V8AllocationProfile } from '../../../src/protocol/allocation-parts.ts';
import { SAMPLED_BYTES, SAMPLING_MS } from '../../../src/recording/defaults.ts';
import type { Frame, Level, Row, RowOf, RowType } from '../../../src/recording/types.ts';
import type { RawFrame } from '../../shared-memory.ts';
import type { LoadedMaps } from '../loaded-maps.ts';
import { areSessionsHeld } from '../platform/held-sessions.ts';
import type { StackCapture } from '../platform/stack-capture.ts';
import { summarizeKept } from './allocations.ts';
import { startSampling } from './start-sampling.ts';

/**
 * Mean bytes between samples: at 128 KiB 1.02–1.03 of the CPU time of a program that does little but allocate, at 512 KiB nothing that
 * can be measured. So those that allocate much are sampled less often, unless they are suspected.
 */
const INTERVAL_BYTES = { fine: 1 << 17, coarse: 1 << 19 };
/** Collections of the young generation in a second: each is after some 8 to 16 MB. */
const MANY_COLLECTIONS = 5;
const KINDS = ['oldBytes', 'externalBytes'] as const;
const COOL_DOWN_MS: Record<Level, number> = { watch: 600_000, diagnose: 10_000 };
/** Short-lived objects are collected meanwhile. */
const LEAST_COLLECTIONS = 2;
const LEAST_MS = 3000;
const LATEST = 3;
/** Rows of the collector are of a second each; one without collections has none. */
const LATEST_MS = 1500;
/** A thread that does not answer any more. */
const ANSWER_MS = 10_000;
/** A stall that begins at about the time of the request is this collection. */
const SLACK_MS = 30;

export interface KeptObjectsOptions {
  capture: StackCapture;
  toFrame(raw: RawFrame): Frame;
  maps: Pick<LoadedMaps, 'mapped'>;
  now(): number;
  record(row: Row): void;
  /** The latest rows of a type, oldest first. */
  rows<T extends RowType>(type: T): readonly RowOf<T>[];
  /** Writes the profile beside the recording and returns the file's name, or null. */
  keepFile(profile: V8AllocationProfile): string | null;
  /** At level diagnose, allocations are sampled all the time, and not only from a trigger on. */
  always: boolean;
}

/** The use of the thread's only sampler, until a client asks for it, who goes first. */
export interface Loan {
  isMine(): boolean;
  /** `refused`: the program uses it by itself. */
  giveBack(refused: boolean): void;
}

/** When the profile was requested, and answered; this collects all garbage. */
interface Asked {
  fromMs: number;
  toMs: number | null;
}

/** Samples allocations, and finds which of them are still alive once memory has grown from collection to collection. */
export class KeptObjects {
  readonly #options: KeptObjectsOptions;
  #state: 'off' | 'starting' | 'sampling' | 'lent' | 'refused' = 'off';
  #sinceMs = 0;
  #intervalBytes = INTERVAL_BYTES.fine;
  #held = false;
  #asked: Asked | null = null;
  #roseAt = Number.NEGATIVE_INFINITY;
  #doneAt = Number.NEGATIVE_INFINITY;

  constructor(options: KeptObjectsOptions) {
    this.#options = options;
  }

  /** To be called about once a second. */
  consider(level: Level): void {
    if (this.#held) return;
    const { now, rows, always } = this.#options;
    const t = now();
    const readings = KINDS.map((kind) => afterCollections(rows('gc'), kind));
    const isEarly = KINDS.some((kind) => earlyGrowthOf(rows('memory'), rows('gc'), kind) !== null);
    if (isEarly || readings.some(isRising)) this.#roseAt = t;
    const isSuspected = t - this.#roseAt <= SAMPLING_MS && t - this.#doneAt >= COOL_DOWN_MS[level];
    const isDue = isSuspected && this.mayCollect(level);
    if (!isDue && !(always && level === 'diagnose')) this.#stop();
    else if (this.#state === 'off') this.#start(isDue);
    else if (this.#state === 'sampling' && !isSuspected && this.#isTooFine()) this.#stop();
    else if (isDue && this.#isRipe(isEarly) && (isEarly || readings.some(growthOfBytes))) {
      this.#doneAt = t;
      this.#take();
    } else if (isDue && t - this.#sinceMs > SAMPLING_MS) this.#doneAt = t;
  }

  /** No one else samples, and the heap is small enough to be collected without a request by a person. */
  mayCollect(level: Level): boolean {
    if (this.#held || this.#state === 'refused' || areSessionsHeld()) return false;
    const { rows } = this.#options;
    // The smallest of the latest: what was allocated during a collection counts as alive until the next.
    const readings = afterCollections(rows('gc'), 'oldBytes').slice(-LATEST);
    const bytes = readings.map((reading) => reading.bytes);
    const alive = bytes.length > 0 ? Math.min(...bytes) : (rows('memory').at(-1)?.heapUsedBytes ?? 0);
    return alive <= SAMPLED_BYTES[level];
  }

  /** For a deep sample that wants to sample. */
  lend(): Loan {
    this.#stop();
    this.#state = 'lent';
    return {
      isMine: () => this.#state === 'lent',
      giveBack: (refused) => {
        if (this.#state === 'lent') this.#state = refused ? 'refused' : 'off';
      },
    };
  }

  /** A client samples: we do not meanwhile. */
  hold(wanted: boolean): void {
    if (wanted) this.#stop();
    this.#held = wanted;
  }

  /** Whether a stall that began then is the collection that we requested. */
  caused(startMs: number): boolean {
    const asked = this.#asked;
    if (asked === null || startMs < asked.fromMs - SLACK_MS) return false;
    return startMs <= (asked.toMs ?? Number.POSITIVE_INFINITY);
  }

  /** It begins anew a second later. */
  #isTooFine(): boolean {
    return this.#intervalBytes === INTERVAL_BYTES.fine && this.#allocatesMuch();
  }

  #allocatesMuch(): boolean {
    const { now, rows } = this.#options;
    const last = rows('gc').at(-1);
    return last !== undefined && now() - last.t < LATEST_MS && last.count - last.majorCount >= MANY_COLLECTIONS;
  }

  #start(isDue: boolean): void {
    const { capture, now } = this.#options;
    this.#state = 'starting';
    this.#intervalBytes = !isDue && this.#allocatesMuch() ? INTERVAL_BYTES.coarse : INTERVAL_BYTES.fine;
    startSampling(capture, 'allocations', { samplingInterval: this.#intervalBytes }, (started) => {
      if (this.#state !== 'starting') return;
      this.#sinceMs = now();
      this.#state = started ? 'sampling' : 'refused';
      if (!started) capture.detach('allocations');
    });
  }

  #stop(): void {
    // It is requested again a second later.
    if (this.#state === 'off' || this.#state === 'refused' || areSessionsHeld()) return;
    const { capture } = this.#options;
    this.#state = 'off';
    // Unlike stopSampling, it makes no profile, which would take a collection.
    capture.post('allocations', 'HeapProfiler.disable', {}, () => {
      if (this.#state === 'off' && !this.#held) capture.detach('allocations');
    });
  }

  #isRipe(isEarly: boolean): boolean {
    const { now, rows } = this.#options;
    if (this.#state !== 'sampling' || now() - this.#sinceMs < LEAST_MS) return false;
    const collections = rows('gc').filter(({ t, majorCount }) => t > this.#sinceMs && majorCount > 0);
    return collections.length >= (isEarly ? 1 : LEAST_COLLECTIONS);
  }

  #take(): void {
    if (this.#asked?.toMs === null) return;
    const sinceMs = this.#sinceMs;
    const asked: Asked = { fromMs: this.#options.now(), toMs: null };
    this.#asked = asked;
    const answer = (profile: V8AllocationProfile | null): void => {
      if (asked.toMs !== null) return;
      const toMs = this.#options.now();
      asked.toMs = toMs;
      if (profile) this.#record(profile, { sinceMs, tookMs: toMs - asked.fromMs });
      else this.#stop();
    };
    this.#options.capture.post('allocations', 'HeapProfiler.getSamplingProfile', {}, (result) =>
      answer(result?.profile ?? null),
    );
    setTimeout(() => answer(null), ANSWER_MS).unref();
  }

  #record(profile: V8AllocationProfile, times: { sinceMs: number; tookMs: number }): void {
    const { keepFile, maps, toFrame, record, now } = this.#options;
    const about = { ...times, intervalBytes: this.#intervalBytes };
    const file = keepFile(profile);
    maps.mapped(
      () => summarizeKept(profile, toFrame),
      (kept) => record({ t: now(), type: 'allocations', ...about, ...kept, file }),
    );
  }
}
