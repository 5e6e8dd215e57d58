import type { Frame, Level, Row, RowOf, RowType } from '../../../src/recording/types.ts';
import type { RawFrame } from '../../shared-memory.ts';
import type { LoadedMaps } from '../loaded-maps.ts';
import type { StackCapture } from '../platform/stack-capture.ts';
import type { ThreadCpu } from '../platform/thread-cpu.ts';
import type { KeptObjects } from './kept-objects.ts';

/** What deep samples need of the observation that takes them. */
export interface DeepSampleOptions {
  kept: Pick<KeptObjects, 'consider' | 'mayCollect' | 'lend'>;
  capture: StackCapture;
  toFrame(raw: RawFrame): Frame;
  maps: Pick<LoadedMaps, 'mapped'>;
  /** Milliseconds since the recording began. */
  now(): number;
  level: Level;
  observedThread(): ThreadCpu | null;
  debuggerAttached(): boolean;
  /** Whether what the thread starts is followed until it ends. */
  track(wanted: boolean): void;
  record(row: Row): void;
  /** The latest rows of a type, oldest first. */
  rows<T extends RowType>(type: T): readonly RowOf<T>[];
}
