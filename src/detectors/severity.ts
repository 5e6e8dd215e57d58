import type { Severity } from './types.ts';

/** Within a severity, by time lost: 1 s and 10 s are ten points apart. */
export function scoreOf(severity: Severity, lostMs: number): number {
  const base = { info: 0, warning: 40, critical: 70 }[severity];
  return Math.round(base + Math.min(30, 10 * Math.max(0, Math.log10(lostMs / 100))));
}

export function round(value: number, digits = 1): number {
  return Math.round(value * 10 ** digits) / 10 ** digits;
}

export function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
