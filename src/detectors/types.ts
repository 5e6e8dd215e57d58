import type { Location, Recording, RowType } from '../recording/types.ts';

export type Severity = 'info' | 'warning' | 'critical';
export const SEVERITIES: readonly Severity[] = ['info', 'warning', 'critical'];

/** One problem: what, where, how sure, what to change. DESIGN §4 fixes the JSON shape. */
export interface Finding {
  rule: string;
  severity: Severity;
  /** 0..100, for sorting. */
  score: number;
  kind: string;
  message: string;
  remedy: string;
  location: Location | null;
  /** Innermost first. */
  stack: Location[];
  count: number;
  /** 0..1 */
  confidence: number;
  evidence: Record<string, unknown>;
}

/** The words of a kind, for `evdiag explain`. */
export interface KindText {
  kind: string;
  title: string;
  remedy: string;
  /** A short worked example: the sick line and its cure. */
  example: string;
}

export interface Detector {
  id: string;
  /** A fragment that can follow a count: "blocked event loop". */
  title: string;
  description: string;
  remedy: string;
  /** Rows of at least one of these types must be there, or nothing can be said. */
  needs: readonly RowType[];
  /** Rows that may tell something without these; that nothing is found in them alone means nothing. */
  hints?: readonly RowType[];
  /** "NAME: value, where it comes from", for people. */
  thresholds: readonly string[];
  kinds: readonly KindText[];
  /** Pure: a recording in, findings out. */
  detect(recording: Recording): Finding[];
}

export type Outcome = 'found' | 'clear' | 'no-data' | 'error';

export interface RuleResult {
  rule: string;
  outcome: Outcome;
  why: string;
}

export interface Judgement {
  findings: Finding[];
  rules: RuleResult[];
}
