import type { Level, LookRow, Suspicion } from '../../../src/recording/types.ts';
import { DeepSample } from './deep-sample.ts';
import { suspicions } from './triggers.ts';
import type { DeepSampleOptions } from './types.ts';

/** A look costs the thread some 10–20 ms within its 2 s: at level watch at most 0.02 % of its time. */
const COOL_DOWN_MS: Record<Level, number> = { watch: 120_000, diagnose: 10_000 };
/** What grows is followed for that long: enough for what ends to end. */
const TRACK_MS = 15_000;
const GROWING: ReadonlySet<Suspicion> = new Set(['heap', 'resources']);
/** Start-up is no time to look at. */
const FIRST_LOOK_MS = 1000;
/** Between looks for different reasons. */
const GAP_MS: Record<Level, number> = { watch: 15_000, diagnose: 5_000 };

/**
 * Escalation: a cheap suspicion, a bounded closer look, a cool-down. The suspicion and what the look saw are rows of
 * the recording.
 */
export function createDeepSamples(options: DeepSampleOptions) {
  const { now, record, rows } = options;
  let { level } = options;
  let running: DeepSample | null = null;
  let lastLookAt = Number.NEGATIVE_INFINITY;
  const lastFor = new Map<Suspicion, number>();
  let suspected = new Set<Suspicion>();

  const isDue = (reason: Suspicion, t: number): boolean =>
    t - lastLookAt >= GAP_MS[level] && t - (lastFor.get(reason) ?? Number.NEGATIVE_INFINITY) >= COOL_DOWN_MS[level];
  const track = (): void => {
    options.track(true);
    setTimeout(() => options.track(false), TRACK_MS).unref();
  };
  const end = (row: LookRow): void => {
    running = null;
    lastLookAt = now();
    record(row);
  };

  return {
    /** To be called when the thread's samplers have been read. */
    consider(): void {
      const t = now();
      // With a debugger attached, somebody looks closer than this.
      if (running || t < FIRST_LOOK_MS || options.debuggerAttached()) return;
      const found = suspicions(rows, level);
      const reasons = found.map(({ reason }) => reason);
      const isGrowing = reasons.includes('heap');
      options.kept.consider(level);
      const look = reasons.some((reason) => isDue(reason, t));
      for (const { reason, value, limit } of found) {
        // Told when it arises, and when it leads to a look; not every second.
        if (reason !== 'routine' && (look || !suspected.has(reason))) {
          record({ t, type: 'suspicion', reason, value, limit, look });
        }
      }
      suspected = new Set(reasons);
      if (!look) return;
      for (const reason of reasons) lastFor.set(reason, t);
      const ofCollector = reasons.includes('gc') || reasons.includes('allocation');
      const withAllocations = ofCollector && !isGrowing && options.kept.mayCollect(level);
      running = new DeepSample(options, { reasons, sampling: withAllocations ? options.kept.lend() : null }, end);
      if (level === 'watch' && reasons.some((reason) => GROWING.has(reason))) track();
    },
    setLevel(next: Level): void {
      level = next;
    },
    /** The thread ends: so does the look, with what it saw. */
    finish: () => running?.finish(),
  };
}
