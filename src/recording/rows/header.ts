/** What a recording begins and ends with, and what happened to it in between. */

/** What every row has: milliseconds since the recording began. */
export interface RowBase {
  t: number;
}

export type Level = 'watch' | 'diagnose';

export interface Header {
  t: 0;
  type: 'header';
  format: 'evdiag-recording';
  major: number;
  minor: number;
  evdiagVersion: string;
  nodeVersion: string;
  v8Version: string;
  libuvVersion: string;
  pid: number;
  parentPid: number;
  /** Node's number of the observed thread: 0 is the main thread, others are worker threads (format 1.1; before, always 0). */
  threadId: number;
  /** Redacted command line. */
  argv: string[];
  /** ISO 8601 wall-clock time of `t` = 0. */
  startedAt: string;
  /** Monotonic clock (`process.hrtime`) at `t` = 0, in milliseconds. */
  startMonotonicMs: number;
  level: Level;
  slowMs: number;
  samplers: string[];
  platform: string;
  arch: string;
  cpuCount: number;
  /** cgroup limits, null if there are none. */
  containerCpus: number | null;
  containerMemoryBytes: number | null;
  /** Threads of libuv's pool (format 1.6). */
  threadPoolSize?: number;
}

export interface LevelRow extends RowBase {
  type: 'level';
  level: Level;
}

export interface DroppedRow extends RowBase {
  type: 'dropped';
  rows: number;
  why: string;
}

export interface AgentErrorRow extends RowBase {
  type: 'agent-error';
  message: string;
}

/** The process was asked to end, and handles that itself (format 1.5). */
export interface SignalRow extends RowBase {
  type: 'signal';
  signal: string;
}

export interface EndRow extends RowBase {
  type: 'end';
  /** `detached`: the process went on without the agent. */
  reason: 'exit' | 'signal' | 'detached';
  exitCode: number | null;
  signal: string | null;
}
