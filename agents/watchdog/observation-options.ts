import type { Level, Row } from '../../src/recording/types.ts';
import type { DelayHistogram } from '../samplers/types.ts';
import type { CpuLimit } from './platform/container.ts';
import type { Pressure } from './platform/pressure.ts';
import type { LiveStall } from './stall/live-log.ts';
import type { Storage } from './storage.ts';
import type { ThreadData, WatchdogData } from './types.ts';

export interface ObservationOptions {
  data: WatchdogData;
  storage: Storage;
  thread: ThreadData;
  level: Level;
  /** Asked once, before the recording is written. */
  mayWrite(): boolean;
  onLive(stall: LiveStall, threadId: number): void;
  onRow(threadId: number, row: Row): void;
  /** The heartbeat's histogram, before it is reset. */
  onBeats(threadId: number, histogram: DelayHistogram): void;
  /** The agent itself failed at something. */
  onFailure(message: string): void;
  /** CPU limits around the process, and what the machine lacks; null if the platform does not report it. */
  cpuLimit(): CpuLimit | null;
  pressure(): Pressure | null;
}
