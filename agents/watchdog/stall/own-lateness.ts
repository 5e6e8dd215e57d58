/** Ticks apart so many times the usual: the thread that measures had no core itself. */
const LATE_TICKS = 3;

/** Of the time since its tick before, how long the measuring thread itself was kept from running: no stall of the thread it watches. */
export function ownLateMs(elapsedMs: number, tickMs: number): number {
  return Math.max(0, elapsedMs - LATE_TICKS * tickMs);
}
