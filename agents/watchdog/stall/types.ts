import type { Frame, StallOpenRow, StallRow } from '../../../src/recording/types.ts';
import type { DelayHistogram } from '../../samplers/types.ts';
import type { RawFrame, SharedMemory } from '../../shared-memory.ts';
import type { LoadedMaps } from '../loaded-maps.ts';
import type { StackCapture } from '../platform/stack-capture.ts';
import type { LiveStall } from './live-log.ts';
import type { MarkedCalls } from './marked-calls.ts';
import type { StallTimesOptions } from './stall-times.ts';

/** What noticing stalls needs of the observation of a thread. */
export interface StallWatchOptions {
  shared: SharedMemory;
  histogram: DelayHistogram;
  slowMs: number;
  capture: StackCapture;
  marks: Pick<MarkedCalls, 'running' | 'index' | 'hasUnmarked'>;
  /** When the recording began, in ms of the machine's monotonic clock. */
  startMonotonicMs: number;
  toFrame(raw: RawFrame): Frame;
  maps: Pick<LoadedMaps, 'mapped' | 'isUnknown'>;
  /** Milliseconds since the recording began. */
  now(): number;
  /** A worker that has nothing to serve and waits in Atomics.wait is between two jobs of a pool. */
  isWorker?: boolean;
  /** The agent came into a running process: nothing that it sees is the start. */
  attached?: boolean;
  /** Clocks and state of the observed thread, as far as the platform reports them. */
  thread: StallTimesOptions;
  /** Whether the thread has had a server yet. */
  hasServed(): boolean;
  /** If the thread cannot be asked: its last report. */
  waiting(): number | null;
  onOpen(row: StallOpenRow): void;
  /** Once per stall, when it has lasted `LIVE_MS`. */
  onLive(stall: LiveStall): void;
  onClose(row: StallRow): void;
}
