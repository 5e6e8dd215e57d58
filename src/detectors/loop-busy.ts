import { rowsOf, type View } from '../recording/types.ts';

/** A thread that is busy for more of the time does not get faster by more at once, and what it measures of others is its own delay. */
export const LOOP_BUSY_SHARE = 0.7;

/** In this time; false where nothing is known of it. */
export function isLoopBusy(recording: View<'event-loop-utilization'>, fromMs: number, toMs: number): boolean {
  const rows = rowsOf(recording, 'event-loop-utilization').filter(({ t }) => t >= fromMs && t <= toMs);
  const activeMs = rows.reduce((sum, row) => sum + row.activeMs, 0);
  const allMs = rows.reduce((sum, row) => sum + row.activeMs + row.idleMs, 0);
  return allMs > 0 && activeMs / allMs >= LOOP_BUSY_SHARE;
}

/** Of this time, how much the thread was busy or had no core, which it adds to what it measures of others; 0 where nothing is known of it. */
export function ownShare(recording: View<'event-loop-utilization' | 'cpu'>, fromMs: number, toMs: number): number {
  const overlaps = (t: number, ms: number): boolean => t > fromMs && t - ms < toMs;
  const loop = rowsOf(recording, 'event-loop-utilization').filter((row) => overlaps(row.t, row.activeMs + row.idleMs));
  const cpu = rowsOf(recording, 'cpu').filter((row) => overlaps(row.t, row.intervalMs));
  const activeMs = loop.reduce((sum, row) => sum + row.activeMs, 0);
  const idleMs = loop.reduce((sum, row) => sum + row.idleMs, 0);
  const queuedMs = cpu.reduce((sum, row) => sum + (row.runQueueMs ?? 0), 0);
  const cpuMs = cpu.reduce((sum, row) => sum + row.intervalMs, 0);
  const share = (ms: number, of: number): number => (of > 0 ? ms / of : 0);
  return Math.min(1, share(activeMs, activeMs + idleMs) + share(queuedMs, cpuMs));
}
