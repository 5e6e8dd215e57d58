/** Whether a program goes on until somebody ends it: what keeps growing in it is no batch that is about to be done. */
import { rowsOf, type View } from '../recording/types.ts';
import { waitingIn } from './busy-time.ts';
import { WARM_UP_MS } from './growth.ts';

/** Rows that show it. */
export const GOING_ROWS = ['active-resources', 'event-loop-utilization'] as const;
type Seen = View<(typeof GOING_ROWS)[number]>;

/** Of the readings: between two timers there may be none. */
const TIMER_SHARE = 0.8;
/** Fewer are a short script. */
const TIMER_READINGS = 4;
/** A batch that shows its progress by a timer computes meanwhile, or has files and sockets open. */
const ASLEEP_SHARE = 0.5;

/** A server, socket or further timer waits; or the program has one timer alone, and sleeps until that most of the time. */
export function goesOn(recording: Seen): boolean {
  return waitingIn(recording) > 0 || sleepsByTimer(recording);
}

export const GOES_ON = 'where no server or socket waits, and no timer that the program sleeps until';

function sleepsByTimer(recording: Seen): boolean {
  const readings = rowsOf(recording, 'active-resources').filter(({ t }) => t >= WARM_UP_MS);
  const withTimer = readings.filter(({ counts }) => (counts.Timeout ?? 0) > 0);
  if (readings.length < TIMER_READINGS || withTimer.length < readings.length * TIMER_SHARE) return false;
  let activeMs = 0;
  let idleMs = 0;
  for (const row of rowsOf(recording, 'event-loop-utilization')) {
    if (row.t < WARM_UP_MS) continue;
    activeMs += row.activeMs;
    idleMs += row.idleMs;
  }
  return idleMs >= ASLEEP_SHARE * (activeMs + idleMs) && idleMs > 0;
}
