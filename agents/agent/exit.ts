/** The end of the process: the watchdog writes and prints its last, for a bounded time. */
import { EventEmitter } from 'node:events';
import { UNSETTLED_EXIT_CODE } from '../../src/util/exit-codes.ts';
import { createSensor, guarded } from '../guard.ts';
import {
  apply,
  load,
  min,
  monotonicMs,
  NativeNumber,
  notify,
  performance,
  process,
  store,
  wait,
} from '../primordials.ts';
import { LET_GO, STOP_AT_ONCE, WATCHDOG_FAILED, WATCHDOG_FINISHED, WATCHDOG_READY, Word } from '../shared-memory.ts';
import { leaveThread, type ThreadGate } from '../thread-gate.ts';
import { complain } from './complain.ts';
import { createForcedExit, type ForcedExit } from './forced-exit.ts';
import { replaceUntilLeft } from './leaving.ts';
import { type AnyFunction, like } from './replace.ts';
import { lookAtThread } from './thread-look.ts';
import { listenUnseen } from './unseen-listeners.ts';

const IS_NODE_20 = process.version.startsWith('v20.');
const { rawListeners } = EventEmitter.prototype as unknown as { rawListeners(name: string): unknown[] };

/** The exit waits at most this long for the watchdog's last rows and summary. */
const EXIT_WAIT_MS = 1500;
/** A process that ends before its watchdog could start (about 50 ms) does not wait for it, unless that is what it has to explain. */
const YOUNG_PROCESS_MS = 250;
const YOUNG_POLL_MS = 5;
/** One call on storage that takes longer is not waited for. */
const STUCK_MS = 500;
/** Where the machine gives it no core, the exit then waits this long for the watchdog to close its inspector sessions: Node would say that it waits for them. */
const SESSIONS_MS = 5000;

/** `last`: the last message of the main thread; told whether its top level still waits, where nothing is left that could settle that. */
export function followExit(control: Int32Array, gate: ThreadGate, last: (isUnsettled: boolean) => void): void {
  const forced = createForcedExit(exitOf(process));
  listenUnseen(process, 'exit', (given: number) => {
    const code = isNodes20Unsettled(given) ? UNSETTLED_EXIT_CODE : given;
    const isUnsettled = code === UNSETTLED_EXIT_CODE && hasLoopEnded();
    // Worker threads end with the process.
    leaveThread(gate, 0, lookAtThread);
    last(isUnsettled);
    finish(control, code, forced, { isUnsettled });
  });
  followReallyExit(control, gate, forced);
}

/** By itself, and not by `process.exit`. */
function hasLoopEnded(): boolean {
  return performance.nodeTiming.loopExit > 0;
}

/**
 * Node 20 decides on its exit code for a top level that was never settled in a listener of its own, after ours. It takes that
 * out when the top level has run, and when the program exits by itself.
 */
function isNodes20Unsettled(code: number): boolean {
  if (code !== 0 || process.exitCode !== undefined || !IS_NODE_20) return false;
  const listeners = apply(rawListeners, process, ['exit']) as { name?: unknown }[];
  for (let i = 0; i < listeners.length; i++) if (listeners[i]!.name === 'handleProcessExit') return true;
  return false;
}

/**
 * A program that has removed the listeners of `exit`, or calls `process.reallyExit` directly, ends without that event: Node would
 * say that it waits for the watchdog's session to disconnect.
 */
function followReallyExit(control: Int32Array, gate: ThreadGate, forced: ForcedExit): void {
  const holder = process as unknown as Record<string, unknown>;
  const original = holder.reallyExit as AnyFunction;
  if (typeof original !== 'function') return;
  const leave = guarded(createSensor('the exit', true), (status: unknown) => {
    const code = NativeNumber(status ?? 0);
    leaveThread(gate, 0, lookAtThread);
    if (load(control, Word.Stop) === 0) finish(control, code, forced, { way: 'exit' });
    forced.go(code);
  });
  const wrapper = like(original, function markedCall(this: unknown, ...args) {
    leave(args[0]);
    return apply(original, this, args);
  });
  replaceUntilLeft(holder, 'reallyExit', original, wrapper);
}

/** The watchdog closes them before anything else that it does at the end, and connects no other. */
function waitForSessions(control: Int32Array): void {
  const giveUpAt = monotonicMs() + SESSIONS_MS;
  for (let left = SESSIONS_MS; left > 0; left = giveUpAt - monotonicMs()) {
    const state = load(control, Word.LetGo);
    if (state === LET_GO.forGood || load(control, Word.WatchdogState) !== WATCHDOG_READY) return;
    wait(control, Word.LetGo, state, min(left, STUCK_MS / 2));
  }
}

function exitOf(holder: object): (code: number) => void {
  const { reallyExit } = holder as { reallyExit: AnyFunction };
  return (code) => void apply(reallyExit, holder, [code]);
}

/** Lets the watchdog write its last rows and print the summary, for a bounded time; then the process ends anyway. */
function finish(
  control: Int32Array,
  code: number,
  forced: ForcedExit,
  { way, isUnsettled = false }: { way?: 'exit'; isUnsettled?: boolean },
): void {
  store(control, Word.ExitCode, code);
  store(control, Word.Stop, 1);
  notify(control, Word.Stop);
  const atStorage = (): boolean => load(control, Word.Storage) % 2 !== 0;
  const isYoung =
    !isUnsettled && load(control, Word.WatchdogState) !== WATCHDOG_READY && monotonicMs() < YOUNG_PROCESS_MS;
  // It begins no work on storage from then on.
  if (isYoung) store(control, Word.Stop, STOP_AT_ONCE);
  if (isYoung && !atStorage()) return;
  const deadline = monotonicMs() + EXIT_WAIT_MS;
  let at = load(control, Word.Storage);
  let since = monotonicMs();
  for (let left = EXIT_WAIT_MS; left > 0; left = deadline - monotonicMs()) {
    const state = load(control, Word.WatchdogState);
    if (state === WATCHDOG_FINISHED || state === WATCHDOG_FAILED || (isYoung && !atStorage())) return;
    wait(control, Word.WatchdogState, state, min(left, isYoung ? YOUNG_POLL_MS : STUCK_MS / 2));
    if (load(control, Word.Storage) === at) continue;
    at = load(control, Word.Storage);
    since = monotonicMs();
  }
  // It does not begin work on storage any more, so Node can end it.
  store(control, Word.Stop, STOP_AT_ONCE);
  while (atStorage() && monotonicMs() - since < STUCK_MS)
    wait(control, Word.Storage, load(control, Word.Storage), YOUNG_POLL_MS);
  if (!atStorage()) {
    waitForSessions(control);
    return;
  }
  if (!control[Word.Quiet]) complain('storage does not answer; the last rows of the recording are not written');
  forced.begin(code, true, way);
}
