import type { ChildProcess, StdioOptions } from 'node:child_process';

/** Which Node a program runs with, and the agent if any. */
export interface Variant {
  node: string;
  agent: string | null;
  level: string;
  out: string;
}

export interface RunOptions {
  flags?: string[];
  args?: string[];
  /** Whether the agent is preloaded; otherwise the program loads it. */
  preload?: boolean;
  stdio?: StdioOptions;
}

/** Figures of one run, by the id of their metric. */
export type Figures = Record<string, number>;

/** A limit that the agent must stay under or above. */
export type Bar = [sign: '<=' | '>=', limit: number];

export interface Metric {
  id: string;
  unit: string;
  /** 'ratio': with the agent, divided by without, in the middle of all blocks; 'total': the sums of all divided; 'added': the difference. */
  how: 'ratio' | 'total' | 'added';
  /** How far the ends of the interval may be from the median before measuring ends. */
  within?: number;
  /** By level. */
  bars: Record<string, Bar>;
}

/** Measures one program. A round has blocks; each has the figures of every variant. */
export interface Case {
  id: string;
  metrics: Metric[];
  measureRound(variants: readonly Variant[], round: number): Promise<Figures[][]>;
}

/** Which variants are compared, by their place. */
export interface Comparison {
  name: string;
  of: number;
  to: number;
  judged: boolean;
}

/** A line of the table, of one comparison and metric. */
export interface Result {
  case: string;
  metric: string;
  comparison: string;
  base: string;
  measured: string;
  text: string;
  median: number;
  bar: string;
  verdict: string;
  isWide: boolean;
}

export interface Slice {
  requests: number;
  seconds: number;
  latenciesMs: number[];
}

export interface Load {
  run(ms: number): Promise<Slice>;
  close(): void;
}

export interface Server {
  child: ChildProcess;
  ended: Promise<unknown>;
  pid: number;
  load: Load;
}

/** A result of this build against none that the docs print, and the day on which it was measured. */
export interface Figure {
  text: string;
  median: number;
  day: string;
}
