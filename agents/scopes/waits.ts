import { AsyncLocalStorage } from 'node:async_hooks';
import type { Wait } from '../../src/library/types.ts';
import { readStack, type TakenStack, takeStack } from '../agent/stack.ts';
import { belowHooks, isNodes } from '../agent/tracking/sites.ts';
import { monotonicMs } from '../primordials.ts';
import { hookPromises } from '../promise-hooks.ts';
import type { RawFrame } from '../shared-memory.ts';
import { atAwait } from '../watchdog/source-text.ts';
import { isNotOurs } from './leftovers.ts';
import { toFrame } from './run-sources.ts';
import { close, followTurns, newTurning, type Turning } from './turns.ts';

/** Frames taken of each await, and of what is awaited: the function whose result it is. */
const FRAMES = 24;
const RESULT_FRAMES = 3;
/** So many awaits are all followed, at 30–90 µs each, then one in ten at random; so many of them in all. */
const ALL_AWAITS = 10_000;
const ONE_IN = 10;
const MAX_AWAITS = 100_000;
/** Stacks that are held until they are read: a kB each. All of them take some ms to read, in the middle of the program. */
const MAX_UNREAD = 200;
/** Of what a combinator was given. */
const MAX_JOINED = 10;
/** Different stacks kept. */
const MAX_STACKS = 5000;

interface Join {
  /** Where they were asked for. */
  at: TakenStack;
  /** Where they were made. */
  of: TakenStack[];
}

/** One await that has not resumed. */
interface Suspended {
  fromMs: number;
  taken: TakenStack;
  /** Where what it awaits was made, unless that is a wrapper. */
  result: TakenStack | null;
  /** What may settle it: promises that somebody asked for just after it was made. */
  joined: Join | null;
  holders: readonly Holder[];
  /** It stands for so many. */
  weight: number;
}

interface Ended extends Omit<Suspended, 'holders'> {
  ms: number;
  unfinished: boolean;
  /** How many profiles are nested within the one that it is told to. */
  inner: number;
}

/** One profile. */
interface Holder extends Turning {
  around: readonly Holder[];
  open: Set<Suspended>;
  ended: Ended[];
  waits: Map<string, Wait>;
  taken: number;
  untold: number;
  closed: boolean;
}

export interface FollowedCall {
  /** Calls the function: what it awaits, now and later, is followed. */
  run<T>(fn: () => T): T;
  /** Ends following; what is suspended still counts until now. */
  end(): {
    waits: Wait[];
    untoldWaits: number;
    /** When the thread ran the function or what it started: from and to in turn, ms of the monotonic clock. */
    turns: readonly number[];
  };
}

// Kept from before the application could replace it.
const { random } = Math;

type Hooks = ReturnType<typeof startHooks>;

let hooks: Hooks | null = null;
let openCount = 0;

/**
 * Follows a function: its awaits, and when it runs. The awaits by V8's promise hooks: while one is there, V8 makes a promise for each await, whose
 * parent is what is awaited, and calls `before` on it when the function goes on. An AsyncLocalStorage tells what belongs
 * to which profile; they may be nested and overlap. Stacks are taken meanwhile and read afterwards.
 */
export function followCall(): FollowedCall {
  hooks ??= startHooks();
  openCount++;
  const { storage, read, turns } = hooks;
  const outer = storage.getStore()?.around ?? [];
  const holder: Holder = {
    ...newTurning(),
    around: [],
    open: new Set(),
    ended: [],
    waits: new Map(),
    taken: 0,
    untold: 0,
    closed: false,
  };
  holder.around = [holder, ...outer];
  return {
    run: (fn) => storage.run(holder, () => turns.run(holder, fn)),
    end() {
      const now = monotonicMs();
      for (const one of holder.open) holder.ended.push(toEnded(one, now, true, holder));
      holder.open.clear();
      holder.closed = true;
      close(holder, now);
      read(holder);
      if (--openCount === 0) {
        hooks?.stop();
        hooks = null;
      }
      return { waits: [...holder.waits.values()], untoldWaits: holder.untold, turns: holder.turns };
    },
  };
}

function startHooks() {
  const storage = new AsyncLocalStorage<Holder>();
  const suspended = new WeakMap<object, Suspended>();
  const results = new WeakMap<object, TakenStack>();
  const joins = new WeakMap<object, Join>();
  let lastMade: object | null = null;
  let lastAlone: object | null = null;
  let inside = false;

  const init = (promise: object, parent?: object): void => {
    if (inside) return;
    const holder = storage.getStore();
    if (!holder || holder.around.every(({ closed }) => closed)) return;
    const before = lastMade;
    lastMade = promise;
    if (parent === undefined) {
      lastAlone = promise;
      if (holder.taken < MAX_AWAITS) results.set(promise, takeStack(RESULT_FRAMES, init));
      return;
    }
    // Promise.all and its like make their own promise first, and then one of each that they are given.
    if (lastAlone && lastAlone !== parent) join(lastAlone, results.get(parent));
    // What was made just before is no await: the wrapper of a value or a thenable, or a reaction by `then`.
    if (before === parent) drop(parent);
    const weight = holder.taken < ALL_AWAITS ? 1 : ONE_IN;
    if (weight > 1 && random() * weight >= 1) return;
    if (holder.taken++ >= MAX_AWAITS) {
      holder.untold += weight;
      return;
    }
    // No call that has awaited something itself either.
    const result = before === parent ? null : (results.get(parent) ?? null);
    const one: Suspended = {
      fromMs: monotonicMs(),
      taken: takeStack(FRAMES, init),
      result,
      joined: joins.get(parent) ?? null,
      holders: holder.around,
      weight,
    };
    suspended.set(promise, one);
    for (const each of holder.around) if (!each.closed) each.open.add(one);
  };
  const join = (promise: object, made: TakenStack | undefined): void => {
    if (!made) return;
    const known = joins.get(promise);
    if (!known) joins.set(promise, { at: takeStack(RESULT_FRAMES + 1, join), of: [made] });
    else if (known.of.length < MAX_JOINED) known.of.push(made);
  };
  /** That of an await settles when the call has gone on: the others are none. */
  const drop = (promise: object): void => {
    const one = suspended.get(promise);
    if (!one) return;
    suspended.delete(promise);
    one.holders[0]!.taken--;
    for (const each of one.holders) each.open.delete(one);
  };
  const resumed = (promise: object): void => {
    const one = suspended.get(promise);
    if (!one) return;
    suspended.delete(promise);
    const now = monotonicMs();
    for (const holder of one.holders) {
      if (!holder.open.delete(one)) continue;
      holder.ended.push(toEnded(one, now, false, holder));
      if (holder.ended.length >= MAX_UNREAD) read(holder);
    }
  };
  const turns = followTurns(() => storage.getStore() ?? null);
  const stop = hookPromises({ init, before: resumed, settled: drop });
  /** Reading stacks makes no promises, but what formats them may. */
  const read = (holder: Holder): void => {
    inside = true;
    try {
      for (const one of holder.ended.splice(0)) addTo(holder, one);
    } finally {
      inside = false;
    }
  };
  return {
    storage,
    read,
    turns,
    stop(): void {
      turns.stop();
      stop();
      storage.disable();
    },
  };
}

/** Frames by the stack they were read from: nested profiles share it, and it can be read once. */
const framesOf = new WeakMap<TakenStack, RawFrame[]>();

function readOnce(taken: TakenStack): RawFrame[] {
  const known = framesOf.get(taken) ?? belowHooks(readStack(taken));
  framesOf.set(taken, known);
  return known;
}

function toEnded({ holders, ...one }: Suspended, now: number, unfinished: boolean, to: Holder): Ended {
  return { ...one, ms: now - one.fromMs, unfinished, inner: holders.indexOf(to) };
}

/** Adds an await to those of the same stack. */
function addTo(holder: Holder, { taken, result, joined, ms, unfinished, inner, weight }: Ended): void {
  const raw = readOnce(taken);
  // A built-in on top: a reaction by `then`. Node's own calls, and ours, are awaited by those of the application.
  if (!raw[0] || isNodes(raw[0]) || !isNotOurs(raw[0])) return;
  const frames = ofCall(raw, inner);
  if (frames.length === 0) return;
  const self = !isOwnCall(result) && !isJoined(joined);
  const key = `${self} ${frames.map((frame) => frame.join(':')).join('|')}`;
  let wait = holder.waits.get(key);
  if (!wait) {
    if (holder.waits.size >= MAX_STACKS) {
      holder.untold += weight;
      return;
    }
    const [top, ...rest] = frames.map(toFrame);
    wait = { stack: [{ ...top!, ...atAwait(top!) }, ...rest], self, count: 0, unfinished: 0, totalMs: 0, longestMs: 0 };
    holder.waits.set(key, wait);
  }
  wait.count += weight;
  wait.totalMs += weight * ms;
  wait.longestMs = Math.max(wait.longestMs, ms);
  if (unfinished) wait.unfinished += weight;
}

/** Whether what is awaited is the result of a call of the application's, or of a nested profile: these are told themselves. */
function isOwnCall(result: TakenStack | null): boolean {
  const top = result && readOnce(result)[0];
  if (!top || isNodes(top)) return false;
  return !isNotOurs(top) || toFrame(top).category === 'application';
}

/** Whether own calls settle it, by a combinator: a built-in asked for their results, not an await. */
function isJoined(joined: Join | null): boolean {
  if (joined === null) return false;
  const top = withoutOurs(readOnce(joined.at))[0];
  return top !== undefined && isNodes(top) && joined.of.some(isOwnCall);
}

/** `init` itself is on the stack of what it calls. */
function withoutOurs(frames: readonly RawFrame[]): readonly RawFrame[] {
  const first = frames.findIndex(isNotOurs);
  return first < 0 ? [] : belowHooks(frames.slice(first));
}

/** Up to who called the profile, without evdiag's own frames and Node's: past as many profiles as are nested within. */
function ofCall(raw: readonly RawFrame[], inner: number): RawFrame[] {
  const frames: RawFrame[] = [];
  let passed = 0;
  let wasOurs = false;
  for (const frame of raw) {
    const ours = !isNotOurs(frame);
    if (!ours && wasOurs && ++passed > inner) break;
    if (ours && frames.length > 0) wasOurs = true;
    else if (!ours) {
      wasOurs = false;
      if (!isNodes(frame)) frames.push(frame);
    }
  }
  return frames;
}
