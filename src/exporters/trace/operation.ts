import type { Frame } from '../../recording/types.ts';

/** One callback, or a piece of code between two `await`; times in µs since the capture began. */
export interface Run {
  operation: Operation;
  startUs: number;
  endUs: number;
  /** The run that it interrupts; null if the loop itself calls. */
  within: Run | null;
}

/** What was started and ends later: a timer, a request, a promise. */
export interface Operation {
  /** Node's name of the resource; 'PROMISE'. */
  type: string;
  isPromise: boolean;
  /** It was made before the capture began. */
  isOld: boolean;
  /** Where it was made, innermost frame first; null if the stack was not taken. */
  site: Frame[] | null;
  startUs: number;
  /** Destroyed or settled; null if it was not. */
  goneUs: number | null;
  /** When events were lost that may have included its end; null if none were. */
  lostUs: number | null;
  /** Of a promise: what is awaited, or reacted to; `isDerived` also if that is not known. */
  parent: Operation | null;
  isDerived: boolean;
  /** The run in which it was made, and whose it was settled in. */
  maker: Run | null;
  settler: Run | null;
  runs: readonly Run[];
}

export interface Collection {
  /** Of perf_hooks: constants.NODE_PERFORMANCE_GC_*. */
  kind: number;
  startUs: number;
  durationUs: number;
}

export interface Operations {
  operations: Operation[];
  /** In the order of their starts. */
  runs: Run[];
  collections: Collection[];
  endUs: number;
}
