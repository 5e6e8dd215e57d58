/**
 * The moment in which the agent is loaded into a thread.
 *
 * What is evaluated through the inspector interrupts whatever runs, Node's own code as well. The agent starts a thread and timers, and for
 * that Node queues ticks (`process.nextTick`). If it is interrupted between its last look into the queue of ticks and the note that the queue
 * is empty, a tick that is queued in between is never run, nor any after it: sockets are not closed any more, and streams do not end.
 * So the expression looks at the stack first and does nothing while Node's own code is on top; then it is sent again. Where code of the
 * program is on top, the program could do the same there.
 */
import { setTimeout as pause } from 'node:timers/promises';

/** What the expression says instead of loading. */
export const ANOTHER_MOMENT = 'another moment';
/** A thread may be within a long call of Node: from then on only what changes Node's queues is in the way. */
const LATE_MS = 1000;
export const RETRY_MS = 3;

/** Node's queues: of ticks, of rejections, of timers and immediates. */
const QUEUES = [
  'node:internal/process/task_queues',
  'node:internal/process/promises',
  'node:internal/fixed_queue',
  'node:internal/timers',
  'node:internal/priority_queue',
  'node:internal/linkedlist',
  'node:timers',
];

/** Declares `isSafe(late)`. Frames without a file are the expression itself and V8's built-ins. */
export const IS_SAFE = `
  const isSafe = (late) => {
    const names = ['stackTraceLimit', 'prepareStackTrace'];
    const old = names.map((name) => Object.getOwnPropertyDescriptor(Error, name));
    const set = (name, value) => Object.defineProperty(Error, name, { value, writable: true, configurable: true });
    let sites = null;
    try {
      set('stackTraceLimit', 64);
      set('prepareStackTrace', (_error, all) => { sites = all; return ''; });
      const holder = {};
      Error.captureStackTrace(holder);
      void holder.stack;
    } catch {}
    names.forEach((name, i) => {
      try {
        if (old[i]) Object.defineProperty(Error, name, old[i]);
        else delete Error[name];
      } catch {}
    });
    if (sites === null) return late;
    const top = sites.map((site) => site.getFileName()).find((file) => file);
    if (!top || !top.startsWith('node:')) return true;
    return late && !${`['${QUEUES.join("', '")}']`}.includes(top);
  };
`;

/** Asks again until the answer is another one. */
export async function atSafeMoment<T>(ask: (late: boolean) => Promise<T>): Promise<T> {
  const isLate = lateness();
  for (;;) {
    const answer = await ask(isLate());
    if (answer !== ANOTHER_MOMENT) return answer;
    await pause(RETRY_MS);
  }
}

export function lateness(): () => boolean {
  const lateAt = performance.now() + LATE_MS;
  return () => performance.now() > lateAt;
}
