import type { Recording, Row } from '../../../src/recording/types.ts';
import type { DelayHistogram } from '../../samplers/types.ts';

export interface MetricSample {
  /** Behind the family's name: `_bucket`, `_sum`, `_count`. */
  suffix?: string;
  /** Names are constants of ours; values may be anything. */
  labels?: Readonly<Record<string, string>>;
  value: number;
}

/** One metric of the text format: all its series. */
export interface Family {
  name: string;
  help: string;
  type: 'counter' | 'gauge' | 'histogram';
  samples: MetricSample[];
}

/** What the metrics are made from. */
export interface MetricsSource {
  /** Milliseconds since the recording began. */
  now(): number;
  startedAtMs: number;
  slowMs: number;
  /** How long the main thread has not returned to its loop, in ms; 0 where that is not long. */
  blockedMs(): number;
  /** The main thread's heartbeat since its histogram was reset. */
  beats(): DelayHistogram;
  /** The rows in memory of each thread, the main thread first. */
  recordings(): Recording[];
}

/** Metrics of one subject. Each is asked alone: one that throws does not take the others along. */
export interface Collector {
  /** Each row that is recorded; `threadId` 0 is the main thread. */
  onRow?(row: Row, threadId: number): void;
  /** The main thread's heartbeat, before its histogram is reset. */
  onBeats?(histogram: DelayHistogram): void;
  /** At each scrape. It does not change what the next scrape sees. */
  read(): Family[];
}
