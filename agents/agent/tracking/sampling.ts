import { ceil, floor, max, min, monotonicMs, random } from '../../primordials.ts';

/** The assumed cost of one until it is measured: mostly its stack. */
const FIRST_COST_MS = 0.03;
/** What took longer, or this many times the usual, had to wait for a core, or was the first of its kind. */
const MOST_COST_MS = 0.5;
const SPIKE = 4;
/** In a burst the stride grows by this factor each time that half of a second's budget is used up. */
const BURST_FACTOR = 8;

/** One stack in some ten seconds. */
const LEAST_BUDGET_MS = 0.05;

/**
 * Chooses one in so many, at random, so that it is not in step with a rhythm of the program. If little happens, all
 * are chosen; if much happens, as many as cost `budgetMs` of each second.
 */
export function createSampling(firstBudgetMs: number) {
  let budgetMs = firstBudgetMs;
  let spentMs = 0;
  let stride = 1;
  let countdown = 1;
  let made = 0;
  let costMs = FIRST_COST_MS;
  let intervalSpentMs = 0;
  return {
    /** True for one that is to be followed; it then counts as `weight()`. */
    next(): boolean {
      made++;
      if (--countdown > 0) return false;
      countdown = stride === 1 ? 1 : 1 + floor(random() * (2 * stride - 1));
      return true;
    },
    weight: () => stride,
    /** Of each second, from now on. */
    setBudget(ms: number): void {
      budgetMs = max(LEAST_BUDGET_MS, ms);
    },
    /** Time that was spent since the last call. */
    spent(): number {
      const ms = spentMs;
      spentMs = 0;
      return ms;
    },
    /** Runs the work for the chosen one, and counts its time. */
    spend(job: () => void): void {
      const from = monotonicMs();
      try {
        job();
      } finally {
        const ms = min(MOST_COST_MS, SPIKE * costMs, monotonicMs() - from);
        intervalSpentMs += ms;
        spentMs += ms;
        costMs += (ms - costMs) / 64;
        if (intervalSpentMs > budgetMs / 2) {
          stride *= BURST_FACTOR;
          intervalSpentMs = 0;
        }
      }
    },
    /** To be called every `intervalMs`: the stride follows the rate. Returns how many were made since. */
    adapt(intervalMs: number): number {
      const seen = made;
      const perSecond = (made / max(1, intervalMs)) * 1000;
      made = 0;
      intervalSpentMs = 0;
      stride = max(1, ceil((perSecond * costMs) / budgetMs), floor(stride / 2));
      if (countdown > 2 * stride) countdown = stride;
      return seen;
    },
  };
}

export type Sampling = ReturnType<typeof createSampling>;
