import { EventEmitter } from 'node:events';
import { constants } from 'node:os';
import { createSensor, guarded } from '../guard.ts';
import {
  apply,
  compareExchange,
  load,
  min,
  monotonicMs,
  notify,
  ownKeys,
  process,
  store,
  wait,
} from '../primordials.ts';
import { LET_GO, WATCHDOG_READY, Word } from '../shared-memory.ts';
import { replaceUntilLeft } from './leaving.ts';
import { type AnyFunction, like } from './replace.ts';

/** A signal of the process to itself waits at most this long; the watchdog looks every 5 to 50 ms. */
const LET_GO_MS = 250;
const POLL_MS = 5;

const { signals } = constants;
const { listenerCount } = EventEmitter.prototype as unknown as { listenerCount(name: string): number };

/**
 * Before Node's main thread does by itself what it does at its exit, the watchdog lets go of its inspector sessions: Node would
 * print on stderr that it waits for the debugger to disconnect. Node does so where a process sends itself a signal that it does not handle,
 * as it may well end it, and in `process.execve`.
 */
export function followEndsWithoutExit(control: Int32Array): void {
  const holder = process as unknown as Record<string, unknown>;
  const sensor = createSensor('the end by a signal', true);
  const letGo = guarded(sensor, () => askToLetGo(control));
  const goOn = guarded(sensor, () => {
    store(control, Word.LetGo, LET_GO.no);
    notify(control, Word.LetGo);
  });
  const follow = (name: string, ends: (args: unknown[]) => boolean): void => {
    const original = holder[name] as AnyFunction;
    if (typeof original !== 'function') return;
    const wrapper = like(original, function markedCall(this: unknown, ...args) {
      if (!ends(args)) return apply(original, this, args);
      letGo();
      try {
        return apply(original, this, args);
      } finally {
        goOn();
      }
    });
    replaceUntilLeft(holder, name, original, wrapper);
  };
  follow('_kill', ([pid, signal]) => isOurs(pid) && isUnhandled(signal));
  follow('execve', () => true);
}

/** This process, or its group. */
function isOurs(pid: unknown): boolean {
  return pid === 0 || pid === -1 || pid === process.pid || pid === -process.pid;
}

/** SIGINT and SIGTERM are the watchdog's own to hear. */
function isUnhandled(signal: unknown): boolean {
  if (typeof signal !== 'number' || signal <= 0 || signal === signals.SIGINT || signal === signals.SIGTERM)
    return false;
  try {
    const names = ownKeys(signals) as (keyof typeof signals)[];
    for (let i = 0; i < names.length; i++) {
      if (signals[names[i]!] === signal && apply(listenerCount, process, [names[i]]) > 0) return false;
    }
  } catch {
    // Then it is asked in vain.
  }
  return true;
}

function askToLetGo(control: Int32Array): void {
  // Once it has finished it has none.
  if (load(control, Word.WatchdogState) !== WATCHDOG_READY) return;
  store(control, Word.LetGo, LET_GO.asked);
  const giveUpAt = monotonicMs() + LET_GO_MS;
  // What ends a session comes to this thread as an interrupt, while it waits here or when the loop turns.
  for (let left = LET_GO_MS; left > 0; left = giveUpAt - monotonicMs()) {
    if (load(control, Word.LetGo) !== LET_GO.asked) break;
    wait(control, Word.LetGo, LET_GO.asked, min(left, POLL_MS));
  }
  compareExchange(control, Word.LetGo, LET_GO.asked, LET_GO.no);
}
