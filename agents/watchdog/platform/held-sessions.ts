/** While heap snapshots are compared, no inspector session of this thread's is disconnected. */
import type { Session } from 'node:inspector';

const held = { count: 0, waiting: new Set<() => void>(), parked: [] as Session[] };

/**
 * From now on until what it returns is called, no session of this thread's is disconnected. V8 gives all objects of the heap new
 * ids when one is, and heap snapshots from before and after could not be compared.
 */
export function holdSessions(): () => void {
  let isHeld = true;
  held.count++;
  return () => {
    if (!isHeld) return;
    isHeld = false;
    if (--held.count <= 0) releaseSessions();
  };
}

/** Whoever holds them: the process ends. */
export function releaseSessions(): void {
  held.count = 0;
  for (const disconnect of held.waiting) disconnect();
  held.waiting.clear();
  for (const session of held.parked.splice(0)) session.disconnect();
}

/** Whether heap snapshots are being compared: "HeapProfiler.disable" gives objects new ids as well. */
export function areSessionsHeld(): boolean {
  return held.count > 0;
}

/** Called once nobody holds the sessions any more; the same function once only. */
export function whenReleased(disconnect: () => void): void {
  held.waiting.add(disconnect);
}

/** A session that is not used, and must not be disconnected: the next user takes it. */
export function parkSession(session: Session): void {
  held.parked.push(session);
}

export function parkedSession(): Session | undefined {
  return held.parked.pop();
}
