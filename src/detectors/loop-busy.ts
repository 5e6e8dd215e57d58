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
