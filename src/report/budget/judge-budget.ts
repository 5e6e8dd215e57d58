import type { Recording } from '../../recording/types.ts';
import type { Report } from '../types.ts';
import { GROWTH_LIMIT, LIMITS } from './limits.ts';
import type { Budget, BudgetResult, Limit, LimitId } from './types.ts';

/** Compares a report, and the recordings that it is of, with a budget. Stalls, delay and load are those of main threads. */
export function judgeBudget(budget: Budget, report: Report, recordings: readonly Recording[]): BudgetResult[] {
  const mains = recordings.filter(({ header }) => header.threadId === 0);
  const results = Object.entries(LIMITS).flatMap(([id, limit]) => {
    const value = budget[id as keyof typeof LIMITS];
    return value === undefined ? [] : [resultOf(id as LimitId, limit, value, report, mains)];
  });
  if (budget.allowGrowth === false) results.push(resultOf('allowGrowth', GROWTH_LIMIT, 0, report, mains));
  return results;
}

function resultOf(id: LimitId, limit: Limit, most: number, report: Report, mains: readonly Recording[]): BudgetResult {
  const { value, where } = limit.measure(report, mains);
  return {
    id,
    title: limit.title,
    state: value === null ? 'unknown' : value > most ? 'exceeded' : 'kept',
    value,
    limit: most,
    valueText: value === null ? 'not known' : limit.text(value),
    limitText: most === 0 ? 'none allowed' : `at most ${limit.text(most)}`,
    where: value === null ? (limit.unknown ?? 'the program was too short') : where,
  };
}

/** What is not known is not kept. */
export function isKept(results: readonly BudgetResult[]): boolean {
  return results.every(({ state }) => state === 'kept');
}
