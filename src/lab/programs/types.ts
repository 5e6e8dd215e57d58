import type { Figures } from '../types.ts';

/** Variable of the environment: a temporary folder that the process removes when it ends, as the lab may have been stopped. */
export const LAB_FOLDER = 'EVDIAG_LAB_FOLDER';

/** What a process of a lab is to do. */
export interface Order {
  program: string;
  /** Which way the program does it. */
  way: string;
  options: Figures;
}

/** What it answers: any number of shares, then one of the others. */
export type Reply = { share: number } | { figures: Figures } | { error: string };

/** A server answers with its port, and goes on. */
export type Program = (way: string, options: Figures, report: (share: number) => void) => Promise<Figures>;

/** What a worker thread of such a process is to do. */
export type WorkerJob =
  | { kind: 'requests'; port: number; count: number }
  | { kind: 'sums' }
  | { kind: 'sum'; iterations: number }
  | { kind: 'idle' };
