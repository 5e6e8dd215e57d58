/**
 * Detects whether the microtask queue was drained between two interrupts: then the thread is not in one long
 * synchronous call but in a chain of short ones.
 *
 * An interrupt resolves a promise that was made before; its reaction runs when the queue is next drained, and
 * there, not in the middle of the application's code, the next one is made.
 */
import { createSensor } from '../guard.ts';
import { apply, NativePromise } from '../primordials.ts';

const { then } = NativePromise.prototype;

let turns = 0;
const sensor = createSensor('watching the microtask queue', true);
let queued: (() => void)[] = [];
let resolveProbe: (() => void) | null = null;
let arming = false;

/** Whether the promise that is being made is the probe, not the program's. */
export const isArming = (): boolean => arming;

function arm(): void {
  arming = true;
  try {
    const probe = new NativePromise<void>((resolve) => {
      resolveProbe = resolve;
    });
    apply(then, probe, [onTurn]);
  } catch (error) {
    // A property that `then` reads from a promise was replaced.
    sensor.caught = { error };
  }
  arming = false;
}

function onTurn(): void {
  turns++;
  arm();
  const jobs = queued;
  queued = [];
  for (let i = 0; i < jobs.length; i++) run(jobs[i]!);
}

/** If thrown here, it would be an unhandled rejection of the program. */
function run(job: () => void): void {
  try {
    job();
  } catch (error) {
    sensor.caught = { error };
  }
}

/** Runs the job when the queue is next drained: never in the middle of the application's code, nor of a hook. */
export function atNextTurn(job: () => void): void {
  queued[queued.length] = job;
  microtaskTurns();
}

/** How often the queue was seen to be drained; asks for the next time. */
export function microtaskTurns(): number {
  const resolve = resolveProbe;
  resolveProbe = null;
  resolve?.();
  return turns;
}

arm();
