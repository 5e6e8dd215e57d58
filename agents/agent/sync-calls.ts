import childProcess from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import vm from 'node:vm';
import zlib from 'node:zlib';
import { createSensor, isOff } from '../guard.ts';
import {
  apply,
  exchange,
  min,
  monotonicMs,
  NativeAtomics,
  NativeDate,
  NativeFloat64Array,
  NativeIntl,
  NativeJSON,
  NativeNumber,
  NativeUint8Array,
  process,
  store,
  stringify,
} from '../primordials.ts';
import { type SharedMemory, SITE_LENGTH, SYNC_CALLS, Word } from '../shared-memory.ts';
import type { ThreadGate } from '../thread-gate.ts';
import { MAX_ADD_ON_CALLS, markNativeAddons } from './native-addons.ts';
import { type AnyFunction, hasPrototype, like, replace, replaceClass } from './replace.ts';
import { onlyTerminable, SHIELDED, shield } from './shields.ts';
import { callSites } from './stack.ts';

/** Frames kept of a call site. */
const SITE_FRAMES = 24;
/**
 * Time for call sites of one function, in ms of each second: one takes 10 to 200 µs, by the depth of the stack. Each has
 * its own, so that a thousand quick calls of one do not leave a slow one of another without.
 */
const BUDGET_MS = { watch: 1, diagnose: 10 };
/** What was not used is kept up to that: a program that starts, or a rare call, always has its site. */
const MOST_SAVED_MS = 20;
/** A call that comes this often has used its time: the clock costs more than many a call of a native add-on. */
const UNASKED_CALLS = 8;
/** What took longer was the first, or had to wait for a core. */
const MOST_COST_MS = 0.3;
/** JSON.parse of less text than this takes well below a millisecond. */
const LARGE_JSON_CHARACTERS = 32 * 1024;

/** Which calls are marked at all, where it is not each. */
const SOME_ONLY: Record<string, ((original: AnyFunction, marked: AnyFunction) => AnyFunction) | undefined> = {
  JSON: onlyLargeText,
  Date: onlyWithOptions,
  Number: onlyWithOptions,
  Script: onlyTerminable,
};

/** What holds the functions, by the name that SYNC_CALLS gives it. */
type Holders = Record<string, Record<string, unknown>>;

/**
 * Marks the synchronous calls of Node while they run.
 *
 * A native call that blocks cannot be interrupted, so its stack cannot be asked for while it lasts: the mark tells
 * the watchdog what runs, and the call site, written on entry (as often as the budget allows), tells where.
 *
 * Each wrapper keeps name, length, own properties and the promisify symbols of the original. What is returned marks
 * the calls of modules that the application has loaded since, and is to be called now and then.
 */
export function markSyncCalls(
  shared: SharedMemory,
  gate: ThreadGate | null,
  onAddOn: (calls: [module: string, name: string][]) => void,
): () => void {
  const { control, site } = shared;
  const modules: Holders = {
    fs: fs as unknown as Record<string, unknown>,
    child_process: childProcess as unknown as Record<string, unknown>,
    crypto: crypto as unknown as Record<string, unknown>,
    zlib: zlib as unknown as Record<string, unknown>,
    JSON: NativeJSON as unknown as Record<string, unknown>,
    Date: NativeDate.prototype as unknown as Record<string, unknown>,
    Number: NativeNumber.prototype as unknown as Record<string, unknown>,
    Intl: NativeIntl as unknown as Record<string, unknown>,
    Atomics: NativeAtomics as unknown as Record<string, unknown>,
    Script: vm.Script.prototype as unknown as Record<string, unknown>,
  };
  const sensor = createSensor('the marks of synchronous calls');
  const savedMs = new NativeFloat64Array(SYNC_CALLS.length + MAX_ADD_ON_CALLS);
  const refilledAt = new NativeFloat64Array(SYNC_CALLS.length + MAX_ADD_ON_CALLS).fill(NativeNumber.NEGATIVE_INFINITY);

  /** Calls that may pass before the clock is asked again. */
  const unasked = new NativeUint8Array(SYNC_CALLS.length + MAX_ADD_ON_CALLS);

  const mayTakeSite = (index: number): boolean => {
    if (savedMs[index]! > 0) return true;
    if (unasked[index]!-- > 0) return false;
    unasked[index] = UNASKED_CALLS;
    const now = monotonicMs();
    const perSecond = control[Word.Diagnose] === 1 ? BUDGET_MS.diagnose : BUDGET_MS.watch;
    savedMs[index] = min(MOST_SAVED_MS, savedMs[index]! + ((now - refilledAt[index]!) / 1000) * perSecond);
    refilledAt[index] = now;
    return savedMs[index]! > 0;
  };
  const writeSite = (index: number, sequence: number, wrapper: AnyFunction): void => {
    const wanted = exchange(control, Word.SiteWanted, 0) === 1;
    if (!wanted && !mayTakeSite(index)) return;
    const from = monotonicMs();
    const text = stringify(callSites(SITE_FRAMES, wrapper as (...args: never[]) => unknown));
    if (text.length <= SITE_LENGTH) {
      for (let i = 0; i < text.length; i++) site[i] = text.charCodeAt(i);
      store(control, Word.SiteLength, text.length);
      store(control, Word.SiteCall, index + 1);
      store(control, Word.SiteSequence, sequence);
    }
    savedMs[index]! -= min(MOST_COST_MS, monotonicMs() - from);
  };

  // What the call allocates is sampled under this name, and its time: see the watchdog's allocations.ts, and agent-frames.ts. So no
  // function of another name may stand between the program and the call.
  const { markedCall: during } = {
    markedCall(index: number, caller: AnyFunction, call: () => unknown): unknown {
      // Only the outermost call is marked: it is the one in the application's code.
      if (control[Word.SyncCall] !== 0) return call();
      try {
        begin(index, caller);
        return call();
      } finally {
        control[Word.SyncCall] = 0;
      }
    },
  };
  const begin = (index: number, caller: AnyFunction): void => {
    try {
      if (isOff(sensor)) return;
      const sequence = (control[Word.SyncSequence]! + 1) | 0;
      control[Word.SyncSequence] = sequence;
      control[Word.SyncCall] = index + 1;
      writeSite(index, sequence, caller);
    } catch (error) {
      sensor.caught = { error };
    }
  };

  const mark = (index: number, original: AnyFunction): AnyFunction => {
    // Of both kinds, as `like` would put another call between: each frame of ours has the place of one of the program's.
    const builtIn = {
      markedCall(this: unknown, ...args: unknown[]): unknown {
        if (control[Word.SyncCall] !== 0) return apply(original, this, args);
        try {
          begin(index, wrapper);
          return apply(original, this, args);
        } finally {
          control[Word.SyncCall] = 0;
        }
      },
    };
    const nodes = function markedCall(this: unknown, ...args: unknown[]): unknown {
      if (control[Word.SyncCall] !== 0) return apply(original, this, args);
      try {
        begin(index, wrapper);
        return apply(original, this, args);
      } finally {
        control[Word.SyncCall] = 0;
      }
    };
    const wrapper = like(original, hasPrototype(original) ? nodes : builtIn.markedCall);
    return wrapper;
  };

  const markAddOnCall = (index: number) =>
    function markedCall(original: AnyFunction, self: unknown, args: unknown[]): unknown {
      return during(SYNC_CALLS.length + index, markedCall as never, () => apply(original, self, args));
    };

  const markAll = (holders: Holders): void =>
    SYNC_CALLS.forEach(({ module, name }, index) => {
      const holder = holders[module];
      const original = holder?.[name] as AnyFunction | undefined;
      if (!holder || typeof original !== 'function') return;
      if (module === 'Intl') {
        replaceClass(holder, name, original, during.bind(null, index));
        return;
      }
      const word = SHIELDED[module];
      const marked = mark(index, word === undefined ? original : shield(shared, gate, original, word));
      const some = SOME_ONLY[module];
      replace(holder, name, original, some ? some(original, marked) : marked);
    });
  markAll(modules);
  syncBuiltinESMExports();
  const lookAtAddOns = markNativeAddons({ markCall: markAddOnCall, announce: onAddOn });
  let sqliteMarked = false;
  return () => {
    lookAtAddOns();
    const sqlite = sqliteMarked ? null : loadedSqlite();
    if (!sqlite) return;
    sqliteMarked = true;
    markAll(sqlite);
  };
}

/** The classes of node:sqlite, once the application has loaded it: loading it here would print a warning. */
function loadedSqlite(): Holders | null {
  const { moduleLoadList } = process as unknown as { moduleLoadList?: string[] };
  if (!moduleLoadList?.includes('NativeModule sqlite')) return null;
  const { DatabaseSync, StatementSync } = require('node:sqlite') as Record<string, { prototype: Holders[string] }>;
  return { DatabaseSync: DatabaseSync!.prototype, StatementSync: StatementSync!.prototype };
}

/** Small texts go straight through: JSON.parse is on many hot paths. */
function onlyLargeText(original: AnyFunction, marked: AnyFunction): AnyFunction {
  return {
    markedCall(this: unknown, text: unknown, reviver: unknown) {
      return typeof text === 'string' && text.length > LARGE_JSON_CHARACTERS
        ? apply(marked, this, [text, reviver])
        : apply(original, this, [text, reviver]);
    },
  }.markedCall as AnyFunction;
}

/** V8 keeps the formatter of the last language: only one with options is made anew for each call. */
function onlyWithOptions(original: AnyFunction, marked: AnyFunction): AnyFunction {
  return {
    markedCall(this: unknown, _locales: unknown, options: unknown): unknown {
      // biome-ignore lint/complexity/noArguments: V8 hands them on without making a list
      return options === undefined ? apply(original, this, arguments) : apply(marked, this, arguments);
    },
  }.markedCall as AnyFunction;
}
