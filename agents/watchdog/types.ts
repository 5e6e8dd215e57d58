import type { Row } from '../../src/recording/types.ts';
import type { DelayHistogram } from '../samplers/types.ts';
import type { Settings } from '../settings.ts';
import type { SharedMemory } from '../shared-memory.ts';

/** What the main thread hands to the watchdog when it starts it. */
export interface WatchdogData {
  shared: SharedMemory;
  histogram: DelayHistogram;
  settings: Settings;
  /** Absolute folder of the family of processes. */
  family: string;
  argv: string[];
  parentPid: number;
  problems: string[];
  samplers: string[];
  startMonotonicMs: number;
  startedAtMs: number;
  color: boolean;
}

/** What the main thread sends once a second. */
export interface SampleMessage {
  rows: Omit<Row, 't'>[];
  /** What the sampling before this one took. */
  mainThreadMs: number;
}
