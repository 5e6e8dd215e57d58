import type { HolderKind } from './types.ts';

/** What to change, for each kind of holder. */
export const REMEDIES: Record<HolderKind, string> = {
  collection:
    'Bound it: delete entries when they are done, use an LRU cache with a maximum size, or use a WeakMap if the keys are objects that live elsewhere.',
  closure:
    'Do not keep a reference to the previous value: a closure keeps all variables of the function that created it. Set the variable to null, or create the closure in a separate function.',
  listeners:
    'Remove the listener when the work is done: removeListener or off() in a finally block, or { once: true }; or register one listener for all.',
  'abort-listeners':
    'Remove the listener when the work is done: removeEventListener in a finally block; or derive a signal for each piece of work with AbortSignal.any(), and { once: true }.',
  timers: 'Clear the timer when the work is done: clearTimeout, clearInterval; or use one timer for all.',
  'suspended-calls':
    'Settle what they wait for, or give up after a time: reject the promise at shutdown, await with a timeout or an AbortSignal, and delete what resolves it.',
  promises:
    'Settle the promise at the head of the chain, or do not chain each piece of work on the one before: a promise that never settles keeps everything that waits for it.',
  buffers: 'Copy the part that is kept: Buffer.from(slice). A slice or subarray keeps the whole underlying memory.',
  'module-cache':
    'Do not require or import files under names that change each time: read data with readFile and JSON.parse, or delete the entry of require.cache.',
  handles: 'Close what was opened: destroy() or close() in a finally block, on errors too.',
  contexts: 'Drop all references to what came out of the vm context, or use one context for all.',
  strings: 'Keep one copy of each text: look it up in a Map of texts when it is read, or store a number in its place.',
  other: 'Follow the path: the first object of your own on it must release the rest.',
};
