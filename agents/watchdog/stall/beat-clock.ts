import type { DelayHistogram } from '../../samplers/types.ts';

/** If they differ by more than this, the watchdog's own clock is used. */
const MAX_LATE_MS = 60;

/**
 * Gives the time of the last beat, and the length of a gap, more exactly than the watchdog's own ticks (up to 50 ms
 * apart): the histogram's sum is the time from its beginning to the last beat.
 *
 * The sum is read only where a gap begins and ends, and once a second: reading it takes about 0.1 ms.
 */
export function createBeatClock(histogram: DelayHistogram, resolutionMs: number) {
  /** Time of a beat, and the sum at that beat; null before the first synchronisation. */
  let known: { at: number; sumMs: number } | null = null;
  let before: { count: number; sumMs: number } | null = null;
  const sum = (): number => (histogram.count > 0 ? (histogram.count * histogram.mean) / 1e6 : 0);

  /** `seenAt` is when the watchdog noticed the last beat: it came at most one tick before. */
  const lastBeat = (seenAt: number): number => {
    const sumMs = sum();
    const at = known ? known.at + sumMs - known.sumMs : seenAt;
    const plausible = at <= seenAt && at >= seenAt - MAX_LATE_MS ? at : seenAt;
    known = { at: plausible, sumMs };
    return plausible;
  };
  return {
    /** The histogram is about to be reset. */
    sync: (seenAt: number): void => void lastBeat(seenAt),
    /** It was. */
    rebase(): void {
      if (known) known.sumMs = sum();
    },
    /** A gap is open: the time of the beat before it. */
    stop(seenAt: number): number {
      const at = lastBeat(seenAt);
      before = { count: histogram.count, sumMs: known?.sumMs ?? 0 };
      return at;
    },
    /** It is over: its length, or `observedMs` if the histogram does not give it. */
    durationMs(observedMs: number): number {
      const beats = before ? histogram.count - before.count : 0;
      if (!before || beats < 1) return observedMs;
      const exact = sum() - before.sumMs - (beats - 1) * resolutionMs;
      return exact > 0 && Math.abs(exact - observedMs) < MAX_LATE_MS ? exact : observedMs;
    },
  };
}
