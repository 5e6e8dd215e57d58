import type { RecordableHistogram } from 'node:perf_hooks';
import type { AgentCostRow, Level, Row } from '../../src/recording/types.ts';

/** perf_hooks' delay histogram as it looks from both threads: the watchdog holds a handle to the same native object. */
export type DelayHistogram = Pick<RecordableHistogram, 'count' | 'max' | 'mean' | 'percentile' | 'reset'>;

export interface SamplerContext {
  histogram: DelayHistogram;
  /** Whether collections are counted by kind and duration. */
  gcByKind: boolean;
  /** Sum of GC pauses so far, shared with the watchdog so that a stall knows its GC share. */
  addGcMs(ms: number): void;
  /** The longest gap between heartbeats that the watchdog saw since it was last asked. */
  heartbeatMaxMs(): number;
  /** CPU time and run-queue wait of the observed thread so far, in ms; null if the platform does not report it. */
  observedThread(): { cpuMs: number; runQueueMs: number } | null;
  /** Time so far that CPU limits held threads of the process back, and the narrowest now, in cores; null if not known. */
  cpuLimit(): { throttledMs: number; cpus: number | null } | null;
  /** What the agent spent on the main thread since the last call. */
  ownCost(): Omit<AgentCostRow, 't' | 'type' | 'intervalMs'>;
}

type WithoutTime<R> = R extends Row ? Omit<R, 't'> : never;
/** A row without its time. */
export type Sample = WithoutTime<Row>;

export interface RunningSampler {
  /** The row since the last read; null if there is nothing to record. */
  read(): Sample | null;
  stop(): void;
}

export interface Sampler {
  id: string;
  title: string;
  /** The lowest level it runs at. */
  level: Level;
  /** The thread that reads it. What the watchdog can read costs the application nothing. */
  thread: 'observed' | 'watchdog';
  /** Measured cost. */
  cost: string;
  start(context: SamplerContext): RunningSampler;
}
