import type { Finding, Severity } from '../../src/detectors/types.ts';

/** What is true of a program. */
export interface Truth {
  /** One of these is right; empty for a healthy program, of which every alarm is wrong. */
  expected: readonly { rule: string; kind?: string }[];
  /** The guilty lines; files by the end of their path. */
  spots: readonly { file: string; from: number; to: number }[];
}

/** A program whose truth is known. */
export interface CalibrationProgram {
  /** `scenarios/cpu-hog-broken-watch`, `healthy/koa`, `cases/14-date-format-watch`: one that runs at both levels ends with its level. */
  id: string;
  truth: Truth;
  /** Runs it under the agent, and leaves its recordings in that folder; tells what is lacking here, else null. */
  run(out: string): Promise<string | null>;
}

/**
 * `right`: an expected rule and kind, at a guilty line. `line`: at a guilty line, by another rule or of another kind.
 * `wrong`: all else.
 */
export type Verdict = 'right' | 'line' | 'wrong';

/** A finding, and whether it was right. */
export interface Judged extends Pick<Finding, 'rule' | 'kind' | 'confidence' | 'message'> {
  program: string;
  severity: Severity;
  place: string;
  verdict: Verdict;
}
