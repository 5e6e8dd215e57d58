/**
 * Tells whether the microtask queue was drained between two interrupts: then the thread is not in one long
 * synchronous call but in a chain of short ones.
 *
 * An interrupt resolves a promise that was made before; its reaction runs with the next draining of the queue, and
 * there, not in the middle of the application's code, the next one is made.
 */
const NativePromise = Promise;
const { apply } = Reflect;
const { then } = Promise.prototype;

let turns = 0;
let queued: (() => void)[] = [];
let resolveProbe: (() => void) | null = null;
let arming = false;

/** Whether the promise that is being made is the probe, not the program's. */
export const isArming = (): boolean => arming;

function arm(): void {
  arming = true;
  const probe = new NativePromise<void>((resolve) => {
    resolveProbe = resolve;
  });
  apply(then, probe, [onTurn]);
  arming = false;
}

function onTurn(): void {
  turns++;
  arm();
  const jobs = queued;
  queued = [];
  for (const job of jobs) job();
}

/** Runs the job with the next turn of the queue: never in the middle of the application's code, nor of a hook. */
export function atNextTurn(job: () => void): void {
  queued.push(job);
  microtaskTurns();
}

/** How often the queue was seen to turn over; asks for the next turn. */
export function microtaskTurns(): number {
  const resolve = resolveProbe;
  resolveProbe = null;
  resolve?.();
  return turns;
}

arm();
