/**
 * The agent's async hooks, which are off while a termination may come.
 *
 * Node calls `init` from C++. If V8 ends what is running at that moment (a thread that was terminated, a script of node:vm whose
 * time is over), only the hook ends, Node (22–26) considers the termination done, and the code that made the resource
 * goes on forever. Node 20 passes the termination on.
 */
import type { AsyncHook } from 'node:async_hooks';
import { threadId } from 'node:worker_threads';
import { createSensor, guarded } from '../guard.ts';
import { NativeInt32Array, process } from '../primordials.ts';
import { ENDINGS, hooksBegin, hooksEnd, initsAt, isEnding, madeWay, type ThreadGate } from '../thread-gate.ts';

const sensor = createSensor('the rest of hooks', true);
export const SWALLOWS_TERMINATIONS = !process.version.startsWith('v20.');

/**
 * Node 20: enabling or disabling a hook of promises restores those that tracking has put aside, and from
 * then on each await would cost ten times as much. So tracking and the hooks of deep samples pause while a capture has its own.
 */
export const HOOKS_INTERFERE = process.version.startsWith('v20.');

/** Where this thread counts how often `init` has been entered and left; not read in the main thread, and on Node 20. */
export const inits: { words: Int32Array; at: number } = { words: new NativeInt32Array(1), at: 0 };
/** Of the thread's end; null if `init` does no harm. */
let threadGate: ThreadGate | null = null;
/** When it was last checked. */
let endings = 0;
let inPlace: AsyncHook[] = [];
/** Scripts that may be ended, one within the other. */
let resting = 0;

/** In a worker thread, to whose end its hooks must give way. */
export function makeWayFor(gate: ThreadGate, nativeId: number | null): void {
  if (!SWALLOWS_TERMINATIONS) return;
  threadGate = gate;
  inits.words = gate;
  inits.at = initsAt(gate, threadId, nativeId);
}

/** Whether Node calls any of them. */
export const areHooksInPlace = (): boolean => inPlace.length > 0;

/** To be called in place of the hook's own `enable`. */
export function enableHook(hook: AsyncHook): void {
  inPlace[inPlace.length] = hook;
  if (resting === 0 && mayEnable()) hook.enable();
}

/** A thread that is to end gets no hooks. */
const mayEnable = (): boolean => threadGate === null || hooksBegin(threadGate, threadId);

function noneIsEnabled(): void {
  if (threadGate !== null) hooksEnd(threadGate, threadId);
}

export const isOwnHook = (hook: AsyncHook): boolean => inPlace.includes(hook);

/** Those of the agent: whether they are enabled is Node's own property. */
let storages: { enabled?: boolean }[] = [];

export function noteOwnStorage(storage: object): void {
  storages[storages.length] = storage;
}

/** It is disabled, and is not used again. */
export function forgetOwnStorage(storage: object): void {
  const rest: typeof storages = [];
  for (let i = 0; i < storages.length; i++) if (storages[i] !== storage) rest[rest.length] = storages[i]!;
  storages = rest;
}

export function ownStoragesInUse(): number {
  let count = 0;
  for (let i = 0; i < storages.length; i++) if (storages[i]!.enabled) count++;
  return count;
}

export function disableHook(hook: AsyncHook): void {
  inPlace = without(inPlace, hook);
  hook.disable();
  if (inPlace.length === 0) noneIsEnabled();
}

/**
 * Called first in `init` of each hook: false if the thread is to end, and no hook is called any more. If it returned true,
 * `init` ends with `inits.words[inits.at]! += 1`, without a call: it may have no room on the stack.
 */
export function enterInit(): boolean {
  const { words, at } = inits;
  words[at]! += 1;
  // Without Atomics, which would cost more than the rest: a thread that sees it too late is told to end again.
  return threadGate === null || words[ENDINGS] === endings || !isToMakeWay(threadGate);
}

function isToMakeWay(gate: ThreadGate): boolean {
  endings = gate[ENDINGS]!;
  if (!isEnding(gate, threadId)) return false;
  for (let i = 0; i < inPlace.length; i++) inPlace[i]!.disable();
  madeWay(gate, threadId);
  return true;
}

/** The hooks are off until `wakeHooks` has been called as often. */
export const restHooks = guarded(sensor, () => {
  if (!SWALLOWS_TERMINATIONS || resting++ > 0) return;
  for (let i = 0; i < inPlace.length; i++) inPlace[i]!.disable();
  noneIsEnabled();
});

export const wakeHooks = guarded(sensor, () => {
  if (!SWALLOWS_TERMINATIONS || --resting > 0 || inPlace.length === 0 || !mayEnable()) return;
  for (let i = 0; i < inPlace.length; i++) inPlace[i]!.enable();
});

function without(hooks: AsyncHook[], hook: AsyncHook): AsyncHook[] {
  const rest: AsyncHook[] = [];
  for (let i = 0; i < hooks.length; i++) if (hooks[i] !== hook) rest[rest.length] = hooks[i]!;
  return rest;
}
