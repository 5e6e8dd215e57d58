/**
 * A delay histogram in shared memory: the heartbeat of a worker thread, which a timer there fills.
 *
 * perf_hooks' histogram, the main thread's heartbeat, needs no JavaScript, but its handle can be sent to another thread only
 * through a port, and between a worker thread and the watchdog there is none that the application cannot see.
 */

import {
  exp,
  floor,
  log,
  max,
  min,
  monotonicMs,
  NativeFloat64Array,
  NativeInt32Array,
  NativeSharedArrayBuffer,
  setInterval,
} from './primordials.ts';
import type { DelayHistogram } from './samplers/types.ts';

/** Bins grow by 5 %, from 1 ms to some minutes. */
const BINS = 256;
const GROWTH = log(1.05);
const COUNT = BINS;

const startTimer = setInterval;

export interface SharedBeats {
  /** Beats per bin, and their number in all. */
  counts: Int32Array;
  /** Sum and maximum of the delays, in ms. */
  times: Float64Array;
}

export function createSharedBeats(): SharedBeats {
  return {
    counts: new NativeInt32Array(new NativeSharedArrayBuffer((BINS + 1) * 4)),
    times: new NativeFloat64Array(new NativeSharedArrayBuffer(16)),
  };
}

/** Runs in the observed thread; the timer does not keep it alive. */
export function startBeats({ counts, times }: SharedBeats, resolutionMs: number): NodeJS.Timeout {
  let last = monotonicMs();
  return startTimer(() => {
    const now = monotonicMs();
    const delayMs = now - last;
    last = now;
    counts[binOf(delayMs)]!++;
    times[0]! += delayMs;
    if (delayMs > times[1]!) times[1] = delayMs;
    counts[COUNT]!++;
  }, resolutionMs).unref();
}

function binOf(delayMs: number): number {
  return max(0, min(BINS - 1, floor(log(delayMs) / GROWTH)));
}

/** Runs in the watchdog: the beats as a histogram, in ns, as perf_hooks has it. */
export function readBeats({ counts, times }: SharedBeats): DelayHistogram {
  return {
    get count() {
      return counts[COUNT]!;
    },
    get mean() {
      return counts[COUNT]! > 0 ? (times[0]! / counts[COUNT]!) * 1e6 : 0;
    },
    get max() {
      return times[1]! * 1e6;
    },
    percentile(percentile) {
      let left = (counts[COUNT]! * percentile) / 100;
      for (let bin = 0; bin < BINS; bin++) {
        left -= counts[bin]!;
        if (left <= 0) return min(exp((bin + 0.5) * GROWTH), times[1]!) * 1e6;
      }
      return times[1]! * 1e6;
    },
    /** A beat that comes meanwhile may be lost: the next reading does without it. */
    reset() {
      counts.fill(0);
      times.fill(0);
    },
  };
}
