import { type SharedMemory, Word } from '../../shared-memory.ts';
import type { ThreadCpu } from '../platform/thread-cpu.ts';
import type { ThreadState } from './thread-state.ts';

/** The loop beats every 10 ms: without a beat for this long, it waits for events within a call (`execSync`). */
const SILENT_MS = 35;
/** A thread that ran for a smaller share does nothing but beat and count itself. */
const BUSY_SHARE = 0.02;
/** And one without a beat for this long may be held by a debugger. */
export const HELD_MS = 2000;
/** The time of our own request: a thread that was blocked before and after it, and ran no longer, is still blocked at the same place. */
const QUESTION = { cpuMs: 1, timeslices: 3 };

export interface ThreadActivityOptions {
  shared: Pick<SharedMemory, 'control'>;
  /** The heartbeat. */
  histogram: { count: number };
  /** ms since the recording began. */
  now(): number;
  observedThread(): ThreadCpu | null;
  state(): ThreadState;
  /** Share of the last second that the loop was busy. */
  utilization(): number;
}

export interface Reading {
  atMs: number;
  state: ThreadState;
  cpu: ThreadCpu | null;
}

/** `same`: it is still blocked where it was when it was asked last. */
export type Doing = 'idle' | 'same' | 'busy';

/** What a thread does, without asking it. */
export class ThreadActivity {
  readonly #options: ThreadActivityOptions;
  #reading: Reading | null = null;
  /** It has hardly run since the last check. */
  #isResting = false;
  #beats: number;
  #beatAtMs = 0;

  constructor(options: ThreadActivityOptions) {
    this.#options = options;
    this.#beats = options.histogram.count;
  }

  /** To be called with each tick. */
  tick(t: number): void {
    const { count } = this.#options.histogram;
    if (count !== this.#beats) this.#beatAtMs = t;
    this.#beats = count;
  }

  read(): Reading {
    const { now, state, observedThread, utilization } = this.#options;
    const before = this.#reading;
    const reading = { atMs: now(), state: state(), cpu: observedThread() };
    this.#reading = reading;
    this.#isResting = before?.cpu
      ? reading.cpu !== null && reading.cpu.cpuMs - before.cpu.cpuMs < BUSY_SHARE * (reading.atMs - before.atMs)
      : utilization() < BUSY_SHARE;
    return reading;
  }

  /** `then`: before it was asked last. */
  judge(t: number, { state, cpu }: Reading, then: Reading | undefined): Doing {
    const isSilent = t - this.#beatAtMs > SILENT_MS;
    const isMarked = Atomics.load(this.#options.shared.control, Word.SyncCall) !== 0;
    if (!isSilent && !isMarked) {
      // On a busy host a thread that woke up to beat may wait for a core.
      if (state === 'events' || this.#isResting) return 'idle';
    }
    if (state === 'running' || state === null || !cpu || !then?.cpu || then.state !== state) return 'busy';
    const hasRun =
      cpu.cpuMs - then.cpu.cpuMs > QUESTION.cpuMs || cpu.timeslices - then.cpu.timeslices > QUESTION.timeslices;
    return hasRun ? 'busy' : 'same';
  }

  /** A debugger that we cannot see may hold it. */
  mayBeHeld(t: number, { state }: Reading): boolean {
    return state === null && t - this.#beatAtMs > HELD_MS;
  }
}
