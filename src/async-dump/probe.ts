/**
 * Asks V8 who awaits a promise.
 *
 * V8 writes `at async f` into a stack by walking from the promise of the running reaction to the calls that await it
 * (https://v8.dev/docs/stack-trace-api#async-stack-traces). The probe lets a reaction run whose promise D leads to any
 * promise P: the reaction of D has P as its capability, made by a species constructor that hands out P with functions
 * that do nothing. Neither P nor its reactions are touched.
 *
 * It all happens in a vm context with a microtask queue of its own, so that it is synchronous, works while the thread
 * is blocked in JavaScript, and leaves the application's Error, Promise and stack settings alone.
 */

import { createContext, runInContext, Script } from 'node:vm';
import { PROBE_FILE } from '../protocol/thread-api.ts';
import { ownStacks } from '../util/own-stacks.ts';

/** What V8's CallSite has; Node's types lack some. */
export interface AsyncSite {
  isAsync(): boolean;
  getFunctionName(): string | null;
  getFileName(): string | null | undefined;
  getEvalOrigin(): string | undefined;
  getLineNumber(): number | null;
  getColumnNumber(): number | null;
  getEnclosingLineNumber(): number | null;
  getEnclosingColumnNumber(): number | null;
}

export interface Probe {
  /** For each promise what awaits it, innermost first after the frames of the running stack; undefined if that failed. */
  sites(promises: readonly unknown[]): (AsyncSite[] | undefined)[];
}

/** Calls that are listed from one chain. */
export const CHAIN_LIMIT = 64;

/** A deeper stack makes each probe expensive: the running frames count as well. */
const DEPTH_LIMIT = 12_000;

// Runs in the context; kept free of everything that the application could have replaced.
const SOURCE = `(function () {
  'use strict';
  const { then } = Promise.prototype;
  const { apply } = Reflect;
  const { setPrototypeOf } = Object;
  const { captureStackTrace } = Error;
  const resolved = Promise.resolve();
  const nothing = () => {};
  let target = null;
  function Capability(executor) {
    executor(nothing, nothing);
    return target;
  }
  const species = Object.create(Promise.prototype, { constructor: { value: { [Symbol.species]: Capability } } });
  let next = 0;
  let found = [];
  let below = null;
  function reaction() {
    const index = next++;
    const holder = {};
    captureStackTrace(holder, below);
    found[index] = holder.stack;
  }
  Error.prepareStackTrace = (error, sites) => sites;
  return {
    begin(limit, caller) {
      below = caller;
      Error.stackTraceLimit = limit;
      next = 0;
      found = [];
    },
    arm(promise) {
      const derived = apply(then, resolved, [reaction]);
      setPrototypeOf(derived, species);
      target = promise;
      apply(then, derived, []);
      target = null;
    },
    end() {
      const all = found;
      found = [];
      return all;
    },
    known() {
      let settle;
      const gate = new Promise((resolve) => (settle = resolve));
      async function inner() {
        await gate;
      }
      async function outer() {
        await inner();
      }
      outer();
      return { gate, settle };
    },
  };
})()`;

interface Inside {
  /** Frames above the caller are left out: each costs time. */
  begin(limit: number, caller: (...args: never[]) => unknown): void;
  arm(promise: unknown): void;
  end(): (AsyncSite[] | undefined)[];
  /** Calls `outer`, which awaits `inner`, which awaits the gate. */
  known(): { gate: unknown; settle: () => void };
}

const NativeError = Error;

/** V8 gives no stacks in this interrupt: it is formatting one, or the stack is full. A moment later it may. */
class BusyError extends Error {
  override name = 'BusyError';
  readonly code = 'EVDIAG_BUSY';
  override message = 'V8 gives no stacks at this moment';
}

/** The one of async functions, whatever the application has put in its place. */
export const NativePromise = Object.getPrototypeOf((async () => {})()).constructor as PromiseConstructor;

/** Makes the context (1–7 ms). Throws if this version of Node does not support it. */
export function createProbe(): Probe {
  const context = createContext({}, { microtaskMode: 'afterEvaluate', name: 'evdiag' });
  const inside = runInContext(SOURCE, context, { filename: PROBE_FILE }) as Inside;
  const turn = new Script('0', { filename: PROBE_FILE });
  const sites = (promises: readonly unknown[], limit: number): (AsyncSite[] | undefined)[] => {
    ownStacks.now = true;
    try {
      inside.begin(limit, sites);
      for (let i = 0; i < promises.length; i++) inside.arm(promises[i]);
      turn.runInContext(context);
      const found = inside.end();
      for (let i = 0; i < found.length; i++) if (typeof found[i] === 'string') throw new BusyError();
      return found;
    } finally {
      ownStacks.now = false;
    }
  };
  const known = inside.known();
  selfTest(known.gate, (promise) => sites([promise], DEPTH_LIMIT + CHAIN_LIMIT)[0]);
  // They end, so that no dump lists them.
  known.settle();
  turn.runInContext(context);
  // Pending and awaited by nobody: its stack is only the current one.
  const nobody = new NativePromise(() => {});
  return {
    sites(promises) {
      const depth = sites([nobody], DEPTH_LIMIT)[0]?.length ?? 0;
      return sites(promises, depth + CHAIN_LIMIT);
    },
  };
}

/** Calls whose suspension is known must be found where they are, and a promise that nobody awaits must lead nowhere. */
function selfTest(gate: unknown, ask: (promise: unknown) => AsyncSite[] | undefined): void {
  const names = (promise: unknown): string =>
    asyncSites(ask(promise))
      .map((site) => site.getFunctionName())
      .join();
  const lone = names(new NativePromise(() => {}));
  const found = names(gate);
  if (lone !== '' || found !== 'inner,outer') {
    throw new NativeError(
      `unsupported: this V8 does not say who awaits a promise (of two known calls it named "${found}")`,
    );
  }
}

/** The frames that are not on the stack but await, innermost first. */
export function asyncSites(sites: AsyncSite[] | undefined): AsyncSite[] {
  if (!sites) return [];
  let first = sites.length;
  while (first > 0 && sites[first - 1]!.isAsync()) first--;
  return first === sites.length ? [] : sites.slice(first);
}
