import type { AttachOptions } from '../../src/protocol/attach-options.ts';
import type { LevelMessage } from '../../src/protocol/channel.ts';
import type { Inspection } from '../inspection.ts';
import type { DelayHistogram, Sample } from '../samplers/types.ts';
import type { Settings } from '../settings.ts';
import type { SharedBeats } from '../shared-beats.ts';
import type { SharedMemory } from '../shared-memory.ts';
import type { TraceMemory } from '../shared-trace.ts';
import type { ThreadGate } from '../thread-gate.ts';
import type { RawTracked, RawTransfers, SensorCost } from '../tracked.ts';

/** A thread to be observed. */
export interface ThreadData {
  /** Node's number; 0 is the main thread. */
  threadId: number;
  /** Linux: the kernel's number; null elsewhere. */
  nativeId: number | null;
  shared: SharedMemory;
  /** The heartbeat: perf_hooks' histogram of the main thread, a histogram in shared memory of a worker. */
  beats: DelayHistogram | SharedBeats;
  startMonotonicMs: number;
  startedAtMs: number;
  /** It reports to the gate before it is terminated; otherwise it is not interrupted. */
  gated: boolean;
}

/** What the main thread hands to the watchdog when it starts it. */
export interface WatchdogData {
  thread: ThreadData;
  settings: Settings;
  /** How the agent came into a running process; null where it was there from the beginning. */
  attached: AttachOptions | null;
  /** Absolute folder of the family of processes. */
  family: string;
  argv: string[];
  parentPid: number;
  problems: string[];
  /** Whether sessions may be opened with the threads: a worker thread cannot ask. */
  inspection: Inspection;
  gate: ThreadGate;
  /** Options of Node, and "coverage" where that is measured. */
  flags: string;
  /** Threads of libuv's pool. */
  threadPoolSize: number;
  /** The part of its environment that determines where the live socket may be; the watchdog has none of its own. */
  folders: Record<'XDG_RUNTIME_DIR' | 'TMPDIR' | 'TMP' | 'TEMP', string | undefined>;
}

/** What an observed thread sends once a second. */
export interface SampleMessage {
  rows: Sample[];
  /** What the thread started and did not finish; null if there is nothing to report. */
  tracked: RawTracked | null;
  /** What it read, wrote and sent; absent if there is nothing to tell. */
  transfers?: RawTransfers;
  /** What following the thread cost since the last one. */
  sensors?: SensorCost[];
  /** How long the previous sampling took. */
  mainThreadMs: number;
  /** Where its operations are written from now on, until the capture ends. */
  trace?: TraceMemory;
  /** For the requested files: a text that ends in the map they were loaded with, null if they have none. */
  maps?: Record<string, string | null>;
  /** Functions of a native add-on that has just been loaded, by file and name: they are marked while they run. */
  addOnCalls?: [module: string, name: string][];
  /** It is the answer to the request before the end. */
  last?: boolean;
  /** What a look into the heap took. */
  heapMs?: number;
  /** Previous rows that were not sent, because the watchdog took none. */
  dropped?: number;
}

/** Messages to the watchdog, by `type`: from the main thread on its own port, from worker threads on the channel. */
export interface Messages {
  thread: { thread: ThreadData };
  sample: { threadId: number; sample: SampleMessage };
  'thread-gone': { threadId: number };
  /** From anywhere. */
  level: Omit<LevelMessage, 'type'>;
}

export type Message = { [Type in keyof Messages]: { type: Type } & Messages[Type] }[keyof Messages];
