import type { DeepSampleRow, Level, TriggerReason } from '../../../src/recording/types.ts';
import { DeepSample } from './deep-sample.ts';
import { isHinted } from './hints.ts';
import { firedTriggers } from './triggers.ts';
import type { DeepSampleOptions } from './types.ts';

/** A deep sample costs the thread some 10–20 ms within its 2 s: at level watch at most 0.02 % of its time. */
const COOL_DOWN_MS: Record<Level, number> = { watch: 120_000, diagnose: 10_000 };
/** Without a suspicion, of a thread that has time to spare. */
const ROUTINE_MS: Record<Level, number> = { watch: 30_000, diagnose: 10_000 };
const FIRST_ROUTINE_MS: Record<Level, number> = { watch: 10_000, diagnose: 0 };
/** What is started is followed this long after growth: enough for what ends to end. */
const TRACK_MS = 15_000;
const GROWING: ReadonlySet<TriggerReason> = new Set(['heap', 'resources']);
/** Between hints: what is spent on one has to be paid back, too. */
const HINT_GAP_MS = 60_000;
/** Start-up is not typical of the program. */
const FIRST_SAMPLE_MS = 1000;
/** Between deep samples for different reasons. */
const GAP_MS: Record<Level, number> = { watch: 15_000, diagnose: 5_000 };

/**
 * A cheap trigger fires, a bounded deep sample follows, then a cool-down. The trigger and what the deep sample saw are rows of
 * the recording.
 */
export function createDeepSamples(options: DeepSampleOptions) {
  const { now, record, rows } = options;
  let { level } = options;
  let running: DeepSample | null = null;
  let lastSampleAt = Number.NEGATIVE_INFINITY;
  const lastFor = new Map<TriggerReason, number>();
  let fired = new Set<TriggerReason>();

  const isDue = (reason: TriggerReason, t: number): boolean => {
    const sinceMs = t - (lastFor.get(reason) ?? Number.NEGATIVE_INFINITY);
    if (reason === 'routine') return t >= FIRST_ROUTINE_MS[level] && sinceMs >= ROUTINE_MS[level];
    return t - lastSampleAt >= GAP_MS[level] && sinceMs >= COOL_DOWN_MS[level];
  };
  let hintedAt = Number.NEGATIVE_INFINITY;
  const track = (): void => {
    hintedAt = now();
    options.track(true);
    setTimeout(() => options.track(false), TRACK_MS).unref();
  };
  const end = (row: DeepSampleRow): void => {
    running = null;
    if (!isRoutine(row.reasons)) lastSampleAt = now();
    record(row);
  };

  return {
    /** To be called when the thread's samplers have been read. */
    consider(): void {
      const t = now();
      if (t >= FIRST_SAMPLE_MS && t - hintedAt >= HINT_GAP_MS && isHinted(rows)) track();
      // With a debugger attached, somebody takes a closer look already.
      if (running || t < FIRST_SAMPLE_MS || options.debuggerAttached()) return;
      const found = firedTriggers(rows, level);
      const reasons = found.map(({ reason }) => reason);
      const isGrowing = reasons.includes('heap');
      options.kept.consider(level);
      const deepSample = reasons.some((reason) => isDue(reason, t));
      for (const { reason, value, limit } of found) {
        // Recorded when it begins to fire, and when it leads to a deep sample; not every second.
        if (reason !== 'routine' && (deepSample || !fired.has(reason))) {
          record({ t, type: 'trigger', reason, value, limit, deepSample });
        }
      }
      fired = new Set(reasons);
      if (!deepSample) return;
      for (const reason of reasons) lastFor.set(reason, t);
      const ofCollector = reasons.includes('gc') || reasons.includes('allocation');
      const withAllocations = ofCollector && !isGrowing && options.kept.mayCollect(level);
      const sampling = withAllocations ? options.kept.lend() : null;
      const tapOnly = level === 'watch' && isRoutine(reasons);
      running = new DeepSample(options, { reasons, sampling, tapOnly }, end);
      if (reasons.some((reason) => GROWING.has(reason))) track();
    },
    setLevel(next: Level): void {
      level = next;
    },
    /** The thread ends: so does the deep sample, with what it has so far. */
    finish: () => running?.finish(),
  };
}

/** It puts no other off. */
function isRoutine(reasons: readonly TriggerReason[]): boolean {
  return reasons.every((reason) => reason === 'routine');
}
