/** With ticks this many times further apart than usual, the measuring thread itself had no core. */
const LATE_TICKS = 3;

/** How long the measuring thread itself was kept from running since its last tick: that is no stall of the thread it watches. */
export function ownLateMs(elapsedMs: number, tickMs: number): number {
  return Math.max(0, elapsedMs - LATE_TICKS * tickMs);
}
