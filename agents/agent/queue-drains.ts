/**
 * Detects whether Node's queues of ticks and microtasks were both empty between two interrupts: then what runs now was
 * started by the loop (a socket, a timer), and not by what ran before.
 *
 * Node returns to libuv only when both queues are empty, and JavaScript is not notified of that. So a tick of the
 * probe's own queues a microtask, and that the next tick: a round, in which everything else in the queues has its turn.
 * Each tick takes the next number of Node's async ids. If a round took no numbers but its own, nobody else had queued
 * a tick, and the microtasks were done before the next tick ran: the queues are empty. A chain of microtasks never
 * lets the tick run, a chain of ticks never lets the microtask run, a chain of both takes numbers in every round.
 *
 * `process.nextTick` is called only from a microtask: an interrupt may come while Node changes its own queue.
 */
import { executionAsyncId } from 'node:async_hooks';
import { createSensor, guarded } from '../guard.ts';
import { process, queueMicrotask } from '../primordials.ts';
import { atNextTurn } from './microtask-turns.ts';

/** After this many rounds in one callback, the probe gives up until the next interrupt. */
const MOST_ROUNDS = 256;

const { nextTick } = process;

const sensor = createSensor('watching the queue of ticks', true);

let drains = 0;
let running = false;
let rounds = 0;
/** The number of the previous tick, 0 in the first round; and how many numbers the round since then took for itself. */
let lastId = 0;
let ownIds = 0;

const onTick = guarded(sensor, () => {
  const id = executionAsyncId();
  const isEmpty = lastId !== 0 && id - lastId === ownIds;
  if (isEmpty) drains++;
  if (isEmpty || ++rounds > MOST_ROUNDS) {
    running = false;
    return;
  }
  lastId = id;
  queueMicrotask(onMicrotask);
});

const onMicrotask = guarded(sensor, () => {
  // One for the next tick; a microtask has a number on Node 20 and 22, and on 24 if the application uses async hooks.
  ownIds = executionAsyncId() === 0 ? 1 : 2;
  nextTick(onTick);
});

/** How often the queues were seen to be empty; starts the next probe. */
export function queueDrains(): number {
  if (!running) {
    running = true;
    rounds = 0;
    lastId = 0;
    atNextTurn(() => nextTick(onTick));
  }
  return drains;
}
