import type { Recording } from '../../recording/types.ts';
import type { Report } from '../types.ts';

/** What `evdiag.config.json` may limit. Whatever is left out has no limit. */
export interface Budget {
  /** The longest stall outside of start-up, by the code's own share. */
  maxStallMs?: number;
  /** 99th percentile of how late the event loop is, outside of start-up. */
  maxDelayP99Ms?: number;
  /** 99th percentile of the time to answer, of the slowest route. */
  maxRouteP99Ms?: number;
  /** Share of the time that the loop is busy, 0..1. */
  maxUtilization?: number;
  /** 1 MB is a million bytes. */
  maxHeapMb?: number;
  maxRssMb?: number;
  maxWarnings?: number;
  maxCriticals?: number;
  /** False: no finding of something that grows or is never closed. */
  allowGrowth?: boolean;
}

export type LimitId = keyof Budget;

/** `unknown`: the recording does not have what it is judged from. */
export type BudgetState = 'kept' | 'exceeded' | 'unknown';

export interface BudgetResult {
  id: LimitId;
  title: string;
  state: BudgetState;
  /** In the unit of the limit's name; null if it is not known. */
  value: number | null;
  limit: number;
  /** In words. */
  valueText: string;
  limitText: string;
  /** Where the value comes from: a line, a rule, a process; '' if there is nothing to add. */
  where: string;
}

export interface Measured {
  value: number | null;
  where: string;
}

/** One thing that can be limited. */
export interface Limit {
  title: string;
  /** The values that make sense. */
  least: number;
  most: number;
  text(value: number): string;
  /** Why it may be unknown; by default, the program was too short. */
  unknown?: string;
  measure(report: Report, mains: readonly Recording[]): Measured;
}
