import {
  allRows,
  type Row,
  rowsOf,
  type StallKind,
  type StallOpenRow,
  type StallRow,
  type View,
} from '../recording/types.ts';
import { CONFIDENCE } from './confidence.ts';
import { round } from './severity.ts';
import type { Span } from './types.ts';

/** What `allStalls` reads. */
export const STALL_ROWS = ['end', 'stall', 'stall-open'] as const;
export type StallView = View<(typeof STALL_ROWS)[number]>;

/** An unfinished stall whose last report is this long before the end is over, even if it has no row. */
const OPEN_MS = 60_000;

/** All stalls, and what depends on all of them, until a row is added: rules ask for it for each of their findings. */
const known = new WeakMap<
  StallView,
  { count: number; last: Row | undefined; stalls: readonly StallRow[]; heldMs: number }
>();

/** All stalls that are neither breakpoints nor idle workers, including those that still lasted when the recording ended. */
export function allStalls(recording: StallView): readonly StallRow[] {
  return stallsOf(recording).stalls;
}

function stallsOf(recording: StallView): { stalls: readonly StallRow[]; heldMs: number } {
  const rows = allRows(recording);
  const before = known.get(recording);
  if (before && before.count === rows.length && before.last === rows.at(-1)) return before;
  const stalls = findStalls(recording);
  const heldMs = stalls.reduce((sum, stall) => sum + Math.max(0, stall.durationMs - ownMs(stall)), 0);
  const found = { count: rows.length, last: rows.at(-1), stalls, heldMs };
  known.set(recording, found);
  return found;
}

function findStalls(recording: StallView): StallRow[] {
  const { slowMs, threadId } = recording.header;
  return [...rowsOf(recording, 'stall'), ...unfinished(recording)].flatMap((stall) => {
    if (threadId !== 0 && isIdleWait(stall)) return [];
    return stall.debugger ? withoutBreakpoint(stall, slowMs) : [stall];
  });
}

/** When the first and the last of them began; in order of time, at least one. */
export function spanOf(stalls: readonly StallRow[]): Span {
  return { firstMs: round(stalls[0]!.startMs), lastMs: round(stalls.at(-1)!.startMs) };
}

/** A worker thread that sleeps in Atomics.wait, and for which nothing waits, is out of work, as in a pool. */
export function isIdleWait({ kind, waiting }: Pick<StallRow, 'kind' | 'waiting'>): boolean {
  return kind === 'sync-sleep' && (waiting ?? 0) === 0;
}

/** While a debugger is attached, a thread that does not run may be at a breakpoint; the time that it ran is the program's. */
function withoutBreakpoint(stall: StallRow, slowMs: number): StallRow[] {
  const { cpuMs, runQueueMs, sleptMs, own } = stall;
  // An older agent did not read the thread's state, nor distinguish its own work from a debugger's.
  if (own || stall.kind === 'host' || sleptMs === undefined || cpuMs === null || cpuMs < slowMs) return [];
  const durationMs = Math.min(stall.durationMs, cpuMs + (runQueueMs ?? 0));
  const { sleptMs: _slept, lockedMs: _locked, diskMs: _disk, kernelMs: _kernel, ...rest } = stall;
  return [{ ...rest, durationMs, debugger: false }];
}

/** What is known of a stall's time. */
export type OwnShareOf = Pick<
  StallRow,
  'kind' | 'durationMs' | 'cpuMs' | 'runQueueMs' | 'throttledMs' | 'gcMs' | 'sleptMs' | 'lockedMs' | 'pressure'
>;

/** Kinds that run on a core as long as they last: without CPU time it was none of them. */
export const COMPUTES: ReadonlySet<StallKind> = new Set([
  'js-cpu',
  'json',
  'regexp',
  'gc',
  'sync-crypto',
  'sync-zlib',
  'module-load',
]);

/**
 * The code's own share of a stall, in ms: without waits for a core (a CPU limit's included), for pages and disks, and
 * without unexplained time. All of it if the platform reports nothing.
 */
export function ownMs(stall: OwnShareOf): number {
  const { kind, durationMs, cpuMs, runQueueMs, sleptMs, throttledMs = 0 } = stall;
  if (cpuMs === null || runQueueMs === null) return durationMs;
  const ranMs = Math.min(durationMs, cpuMs);
  const restMs = Math.max(0, durationMs - runQueueMs - ranMs);
  if (kind === 'host') return ranMs;
  // Samples of its state show how much of the rest it waited in a call.
  if (COMPUTES.has(kind)) return ranMs + Math.min(restMs, waitedInCall(stall));
  // What it waits for is in the same container; and a thread that starts a process looks like one that waits for a disk.
  if (kind === 'sync-child-process') return ranMs + Math.max(0, restMs - throttledMs);
  return ranMs + (sleptMs === undefined ? restMs : Math.min(restMs, sleptMs + lockedByCode(stall)));
}

/**
 * The part of a recording in which the thread could run, in ms: time that the host took from stalls is no time to be
 * blocked in. Otherwise the same program would be judged differently on a busy machine.
 */
export function availableMs(recording: StallView): number {
  return Math.max(0, recording.durationMs - stallsOf(recording).heldMs);
}

/** If a smaller part of a stall was not the code's, it is within the difference between the clocks. */
const HELD_SHARE = 0.3;

/** What is left for the code would have been no stall: the host delayed the thread. */
export function isHeldUp(stall: OwnShareOf, slowMs: number): boolean {
  const left = ownMs(stall);
  return left < slowMs && stall.durationMs - left >= stall.durationMs * HELD_SHARE;
}

/** A native call can wait too, for a lock or a device; in a collection V8 waits for its helper threads. */
function waitedInCall(stall: OwnShareOf): number {
  const { kind, durationMs, sleptMs = 0, gcMs } = stall;
  const waitedMs = kind === 'gc' ? 0 : sleptMs + lockedByCode(stall) - gcMs;
  return waitedMs >= durationMs * WAITED_SHARE ? waitedMs : 0;
}

/** On a busy host a lock is held by a thread that has no core: V8's, libuv's, never the code's. */
function lockedByCode({ kind, durationMs, runQueueMs, pressure, lockedMs = 0 }: OwnShareOf): number {
  const isBusyHost =
    (runQueueMs ?? 0) >= durationMs * BUSY_HOST_SHARE || (pressure?.cpuMs ?? 0) >= durationMs * PRESSED_SHARE;
  return kind === 'sync-sleep' || !isBusyHost ? lockedMs : 0;
}

/** Share of a stall without a core. */
const BUSY_HOST_SHARE = 0.05;
/** Share in which any task of the machine or the container had none. */
const PRESSED_SHARE = 0.5;

/** With less, the thread waited for V8's own threads, as happens when these have no core. */
const WAITED_SHARE = 0.5;

/** A stall that lasted when the recording ended (killed, or read live) has only its opening rows. */
function unfinished(recording: StallView): StallRow[] {
  const closed = new Set(rowsOf(recording, 'stall').map(({ id }) => id));
  const last = new Map<number, StallOpenRow>();
  for (const row of rowsOf(recording, 'stall-open')) if (!closed.has(row.id)) last.set(row.id, row);
  if (rowsOf(recording, 'end').length > 0) return [];
  return [...last.values()]
    .filter((row) => row.startMs + row.durationMs > recording.durationMs - OPEN_MS)
    .map((row) => ({
      ...row,
      type: 'stall',
      kind: row.kind ?? 'js-cpu',
      stacks: [],
      // An older agent did not say.
      cpuMs: row.cpuMs ?? null,
      runQueueMs: row.runQueueMs ?? null,
      gcMs: 0,
      startup: false,
      debugger: false,
      waiting: row.waiting ?? 1,
      confidence: row.location ? CONFIDENCE.single : CONFIDENCE.unseen,
    }));
}
