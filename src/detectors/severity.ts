import { SLOW_MS } from '../recording/defaults.ts';
import type { Severity } from './types.ts';

/** Points, of 100: no lost time makes info a warning, or a warning critical. */
const BASE_POINTS: Record<Severity, number> = { info: 0, warning: 40, critical: 70 };
/** The most for lost time: what is left above a critical finding that lost none. */
const MOST_POINTS = 30;
/** 1 s and 10 s are ten points apart: people compare durations by their ratio. */
const POINTS_PER_TENFOLD = 10;
/** No points for less: the shortest stall. */
const LEAST_LOST_MS = SLOW_MS;

/** Things without a duration count as this many ms each: a suspended call or a thread as a stall, a failed unit of work as a second. */
export const LOST_MS = { thing: 100, unit: 1000 } as const;

/** Within a severity, by time lost. 0 to 100, for sorting. */
export function scoreOf(severity: Severity, lostMs: number): number {
  const tenfolds = Math.max(0, Math.log10(lostMs / LEAST_LOST_MS));
  return Math.round(BASE_POINTS[severity] + Math.min(MOST_POINTS, POINTS_PER_TENFOLD * tenfolds));
}

export function round(value: number, digits = 1): number {
  return Math.round(value * 10 ** digits) / 10 ** digits;
}

/** "8.2 s" */
export function secondsText(ms: number): string {
  return `${round(ms / 1000)} s`;
}

export function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
