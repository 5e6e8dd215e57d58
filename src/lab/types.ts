/** Called with the share that is done, 0 to 1. */
export type Progress = (share: number) => void;

/** One row of a lab's table. */
export interface LabRow {
  id: string;
  title: string;
  /** Median over the rounds; the value of one round is the mean of its repetitions. */
  medianNs: number;
  p10Ns: number;
  p90Ns: number;
  roundCount: number;
  /** How often it was done in each round. */
  repetitionCount: number;
}

/** What could not be measured, and the reason. */
export interface LabGap {
  id: string;
  title: string;
  why: string;
}

export interface LabResult {
  rows: LabRow[];
  gaps: LabGap[];
  /** What follows from the numbers, in sentences. */
  conclusions: string[];
}

/** An experiment that anybody can repeat on their own machine. */
export interface Lab {
  id: string;
  /** A fragment. */
  title: string;
  /** Sentences: what is measured, and how. */
  description: string;
  /** Heading of the column of times. */
  timeHeading: string;
  /** The row that the others are compared with, and the heading of that column. */
  baseline: { id: string; heading: string };
  run(progress: Progress): Promise<LabResult>;
}
