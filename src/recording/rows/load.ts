/** How busy the loop, the process and the agent are. */
import type { RowBase } from './header.ts';

/** perf_hooks' histogram over the last interval, and the longest gap between heartbeats that the watchdog saw. */
export interface EventLoopDelayRow extends RowBase {
  type: 'event-loop-delay';
  count: number;
  meanMs: number;
  p50Ms: number;
  p90Ms: number;
  p99Ms: number;
  maxMs: number;
  heartbeatMaxMs: number;
}

export interface EventLoopUtilizationRow extends RowBase {
  type: 'event-loop-utilization';
  /** Share of the interval that the loop was busy, 0..1 (a delta, not cumulative). */
  utilization: number;
  activeMs: number;
  idleMs: number;
}

export interface ActiveResourcesRow extends RowBase {
  type: 'active-resources';
  total: number;
  /** Referenced resources by type, as `process.getActiveResourcesInfo()` names them. */
  counts: Record<string, number>;
  /** Those that a blocked loop keeps waiting: servers, sockets, timers less one (format 1.1). */
  waiting?: number;
}

export interface CpuRow extends RowBase {
  type: 'cpu';
  intervalMs: number;
  userMs: number;
  systemMs: number;
  /** CPU time of the main thread; null if the platform does not report it. */
  mainThreadMs: number | null;
  /** Time the main thread was runnable but had no core; null if the platform does not report it. */
  runQueueMs: number | null;
  /** Time that the container's CPU limit held back its threads; absent if there is no limit (format 1.4). */
  throttledMs?: number;
  /** That limit, in cores: it may be set or changed while the program runs (format 1.4). */
  limitCpus?: number;
}

/** What the agent itself costs, over the last interval. */
export interface AgentCostRow extends RowBase {
  type: 'agent-cost';
  intervalMs: number;
  mainThreadMs: number;
  /** CPU time of the watchdog thread; null if the platform does not report it. */
  watchdogMs: number | null;
  /** Stacks taken on the main thread. */
  stacks: number;
  recordingBytes: number;
  /** Of the thread's time, what following it may take (format 1.4). */
  budgetShare?: number;
  /** What following it took, by what is counted; `calls` is 0 where only the time is known (format 1.4). */
  sensors?: { sensor: string; calls: number; ms: number }[];
}

/** How often the event loop turned, and how many system events it received. */
export interface LoopTurnsRow extends RowBase {
  type: 'loop-turns';
  intervalMs: number;
  turns: number;
  events: number;
}

/** Worker threads of the process so far, and those alive now. */
export interface ThreadsRow extends RowBase {
  type: 'threads';
  started: number;
  ended: number;
  alive: number;
  /** More than are observed at the same time. */
  unobserved: number;
}
