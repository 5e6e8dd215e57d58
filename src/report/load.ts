import { type Header, type Recording, type RowOf, rowsOf } from '../recording/types.ts';
import { median } from '../util/numbers.ts';

/** Modules are loaded and code is compiled in the first second: that says nothing about later work. */
const START_UP_MS = 1000;

/** People notice a request that takes this long. */
const LONG_WAIT_MS = 1000;

/** What kept one thread and its process busy: deltas, weighted by time, over the recording without its start-up. */
export interface Load {
  /** Share of the time that the loop did not wait in poll, 0..1. */
  loop: number;
  /** CPU time of the observed thread, in cores; null if the platform does not report it. */
  thread: number | null;
  /** CPU time of all threads of the process, in cores, without the agent's own thread. */
  process: number;
  /** Share of the time that the thread could have run but had no core; null if the platform does not report it. */
  queued: number | null;
  /** Share of the loop's busy time that went into stalls: pieces of work longer than the recording's `slowMs`. */
  longPieces: number;
  /** Cores that the process may use, at least 1. */
  cores: number;
  /** Sockets that were open in half of the readings or more. */
  connections: number;
  /** The program's own calls that had waited for a second or more at the last reading; 0 if they were not followed. */
  waitingCalls: number;
  /** What a container allows, in cores; null if there is no limit. */
  limit: number | null;
}

/** Null if the recording has no usable row of CPU time or of utilization. */
export function loadOf(recording: Recording): Load | null {
  const startUpMs = startUpOf(recording);
  const loops = later(rowsOf(recording, 'event-loop-utilization'), loopMs, startUpMs);
  const cpus = later(rowsOf(recording, 'cpu'), ({ intervalMs }) => intervalMs, startUpMs);
  const active = share(loops, ({ activeMs }) => activeMs, loopMs);
  const used = perInterval(cpus, ({ userMs, systemMs }) => userMs + systemMs);
  if (active === null || used === null) return null;
  const thread = perInterval(cpus, ({ mainThreadMs }) => mainThreadMs);
  return {
    // A loop that is blocked to the end leaves no row of its own, but the watchdog goes on counting CPU time.
    loop: Math.min(1, Math.max(active, thread ?? 0)),
    thread,
    process: Math.max(thread ?? 0, used - agentShare(recording, startUpMs)),
    queued: perInterval(cpus, ({ runQueueMs }) => runQueueMs),
    longPieces:
      stalledMs(recording, startUpMs) /
      Math.max(
        1,
        sum(loops, ({ activeMs }) => activeMs),
      ),
    connections: connectionsOf(recording, startUpMs),
    waitingCalls: waitingCallsOf(recording),
    cores: coresOf(recording.header),
    limit: limitOf(recording),
  };
}

/** Until the loop first turned, there is CPU time but no utilization to compare it with. */
function startUpOf(recording: Recording): number {
  const first = rowsOf(recording, 'event-loop-utilization').find((row) => loopMs(row) > 0);
  return Math.max(START_UP_MS, first === undefined ? 0 : first.t - loopMs(first));
}

/** The rows whose middle is after the start-up; all if there are no later ones. */
function later<R extends { t: number }>(rows: readonly R[], lengthMs: (row: R) => number, startUpMs: number): R[] {
  const whole = rows.filter((row) => lengthMs(row) > 0);
  const rest = whole.filter((row) => row.t - lengthMs(row) / 2 >= startUpMs);
  return rest.length > 0 ? rest : whole;
}

/** Over the rows with the value; null if there are none. */
function share<R>(rows: readonly R[], ms: (row: R) => number | null, lengthMs: (row: R) => number): number | null {
  const known = rows.filter((row) => ms(row) !== null);
  return known.length > 0 ? sum(known, ms) / sum(known, lengthMs) : null;
}

function perInterval<R extends { intervalMs: number }>(
  rows: readonly R[],
  ms: (row: R) => number | null,
): number | null {
  return share(rows, ms, ({ intervalMs }) => intervalMs);
}

/** Of the watchdog; the agent's work on the main thread is part of that thread's time. */
function agentShare(recording: Recording, startUpMs: number): number {
  const costs = later(rowsOf(recording, 'agent-cost'), ({ intervalMs }) => intervalMs, startUpMs);
  return perInterval(costs, ({ watchdogMs }) => watchdogMs) ?? 0;
}

function stalledMs(recording: Recording, startUpMs: number): number {
  const stalls = rowsOf(recording, 'stall').filter(
    ({ startup, startMs, kind }) => !startup && startMs >= startUpMs && kind !== 'host',
  );
  return sum(stalls, ({ durationMs }) => durationMs);
}

const SOCKETS = ['TCPSocketWrap', 'TLSWrap', 'PipeWrap'];

function connectionsOf(recording: Recording, startUpMs: number): number {
  const open = rowsOf(recording, 'active-resources')
    .filter(({ t }) => t >= startUpMs)
    .map(({ counts }) => SOCKETS.reduce((total, name) => total + (counts[name] ?? 0), 0));
  return median(open, 0);
}

/** A call that others wait for is a long one, not the one that accepts them. */
function waitingCallsOf(recording: Recording): number {
  const last = rowsOf(recording, 'unfinished').at(-1);
  if (!last || last.inbound === 0) return 0;
  return sum(
    last.entries.filter(({ what, oldestMs, location }) => what === 'await' && oldestMs >= LONG_WAIT_MS && location),
    ({ alive }) => alive,
  );
}

function coresOf({ cpuCount, containerCpus }: Header): number {
  return Math.max(1, Math.floor(Math.min(cpuCount, containerCpus ?? cpuCount)));
}

/** The limit in the later half: it may be set while the program runs. */
function limitOf(recording: Recording): number | null {
  const rows = rowsOf(recording, 'cpu');
  return rows[rows.length >> 1]?.limitCpus ?? recording.header.containerCpus;
}

function loopMs({ activeMs, idleMs }: RowOf<'event-loop-utilization'>): number {
  return activeMs + idleMs;
}

function sum<R>(rows: readonly R[], ms: (row: R) => number | null): number {
  return rows.reduce((total, row) => total + Math.max(0, ms(row) ?? 0), 0);
}
