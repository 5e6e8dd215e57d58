/** Called with the share that is done, 0 to 1. */
export type Progress = (share: number) => void;

/** Numbers by name; the unit is the end of the name: wallMs, memoryBytes. */
export type Figures = Readonly<Record<string, number>>;

/** One column of a lab's table: a figure of its rows. */
export interface LabColumn {
  /** Name of the figure. */
  key: string;
  heading: string;
  unit: 'ns' | 'ms' | 'bytes' | 'count' | 'perSecond';
  /** Names of the figures between which the rounds lie, and the heading of that column. */
  spread?: { low: string; high: string; heading: string };
}

/** One row of a lab's table. A figure is the median over the rounds. */
export interface LabRow {
  id: string;
  title: string;
  figures: Figures;
  /** The row that this one is compared with, if it is not the lab's baseline. */
  baseline?: string;
  /** What field reports say of the same thing: a shape to compare with, from other machines and runtimes. */
  reported?: string;
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
  /** About how long it takes on an idle machine. */
  seconds: number;
  /** The first one is compared with the baseline and drawn. */
  columns: readonly [LabColumn, ...LabColumn[]];
  /** The row that the others are compared with, and the heading of that column. */
  baseline: { id: string; heading: string };
  run(progress: Progress): Promise<LabResult>;
}
