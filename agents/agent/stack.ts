import { PROBE_FILE } from '../../src/protocol/thread-api.ts';
import { isShortName } from '../../src/util/code-places.ts';
import { ownStacks } from '../../src/util/own-stacks.ts';
import { apply, defineProperty, getOwnPropertyDescriptor, NativeError } from '../primordials.ts';
import type { RawFrame } from '../shared-memory.ts';

export const NAME_LIMIT = 200;
/** For kept ones: a URL may contain the whole script. */
export const URL_LIMIT = 1024;
/** More frames than the agent and the inspector add on top of the program's. */
export const OWN_FRAMES = 24;

// Kept from before the application could replace them.

const { captureStackTrace } = NativeError;
/**
 * The frames above the caller of `below`, innermost first, positions in the generated code.
 *
 * The two properties of Error that shape a stack are set temporarily and restored; if the application has
 * frozen them, the stack is empty.
 */
export function callSites(limit: number, below?: AnyFunction): RawFrame[] {
  return withCallSites(limit, below, toFrames) ?? [];
}

type AnyFunction = (...args: never[]) => unknown;

/** Files of the frames that called `below`, null for built-ins: cheaper than `callSites`, because no line is computed. */
export function callerFiles(limit: number, below: AnyFunction): (string | null)[] {
  return withCallSites(limit, below, (sites) => sites.map(urlOf)) ?? [];
}

/** Like `callSites`, with only the frames of `choose`: most of the cost is for each frame that is read. */
export function chosenCallSites(
  limit: number,
  below: AnyFunction | undefined,
  choose: (urls: (string | null)[]) => boolean[],
): RawFrame[] {
  const use = (sites: NodeJS.CallSite[]): RawFrame[] => {
    const theirs = sites.filter(isNotOurs);
    const chosen = choose(theirs.map(urlOf));
    return theirs.filter((_, i) => chosen[i]).map(toFrame);
  };
  return withCallSites(limit, below, use) ?? [];
}

/** Whether none of the program's code is on the stack. False if that is not known, as while a stack is being formatted. */
export function isStackEmpty(): boolean {
  return withCallSites(OWN_FRAMES, undefined, (sites) => !sites.some(isNotOurs)) ?? false;
}

/** A stack that was taken, and is not formatted yet: V8 does that when it is read. */
export interface TakenStack {
  stack?: string;
}

/** Takes the current stack, or that of the caller of `below`: a third of the cost of `callSites`; the rest is due when it is read. */
export function takeStack(limit: number, below?: AnyFunction): TakenStack {
  const taken: TakenStack = {};
  try {
    const old = getOwnPropertyDescriptor(NativeError, 'stackTraceLimit');
    // Accessors of the application are not called, and frozen properties not changed: then we have no stack.
    if (old?.writable !== true) return taken;
    NativeError.stackTraceLimit = limit;
    try {
      captureStackTrace(taken, below);
    } finally {
      NativeError.stackTraceLimit = old.value as number;
    }
  } catch {
    // Perhaps the stack was full.
  }
  return taken;
}

/** The frames of a stack that was taken, innermost first, or what `use` makes of it; empty if it was read before. */
export function readStack(taken: TakenStack, use = toFrames): RawFrame[] {
  return withPrepared(use, () => void taken.stack) ?? [];
}

function withPrepared<T>(use: (sites: NodeJS.CallSite[]) => T, read: () => void): T | null {
  const before = ownStacks.now;
  const oldPrepare = getOwnPropertyDescriptor(NativeError, 'prepareStackTrace');
  let result: T | null = null;
  try {
    defineProperty(NativeError, 'prepareStackTrace', {
      value: (_error: unknown, sites: NodeJS.CallSite[]) => {
        result = use(sites);
        return '';
      },
      writable: true,
      configurable: true,
    });
    ownStacks.now = true;
    read();
  } catch {
    result = null;
  } finally {
    ownStacks.now = before;
    restore('prepareStackTrace', oldPrepare);
  }
  return result;
}

export function withCallSites<T>(
  limit: number,
  below: AnyFunction | undefined,
  use: (sites: NodeJS.CallSite[]) => T,
): T | null {
  const oldLimit = getOwnPropertyDescriptor(NativeError, 'stackTraceLimit');
  try {
    return withPrepared(use, () => {
      defineProperty(NativeError, 'stackTraceLimit', { value: limit, writable: true, configurable: true });
      const holder: TakenStack = {};
      captureStackTrace(holder, below);
      void holder.stack;
    });
  } finally {
    restore('stackTraceLimit', oldLimit);
  }
}

export function restore(name: 'stackTraceLimit' | 'prepareStackTrace', old: PropertyDescriptor | undefined): void {
  try {
    if (old) defineProperty(NativeError, name, old);
    else delete NativeError[name];
  } catch {
    // Frozen by the application: then it was not changed either.
  }
}

/** Neither this bundle nor the watchdog's `Runtime.evaluate`, whose script has an empty name. */
export function isNotOurs(site: NodeJS.CallSite): boolean {
  const file = site.getFileName();
  return file !== __filename && file !== '' && file !== PROBE_FILE;
}

/** What V8 has and Node's types do not. https://v8.dev/docs/stack-trace-api */
export interface CallSiteBeyondTypes {
  isAsync(): boolean;
  getEnclosingLineNumber(): number;
  getEnclosingColumnNumber(): number;
}

export function toFrames(sites: NodeJS.CallSite[]): RawFrame[] {
  return sites.filter(isNotOurs).map(toFrame);
}

export function urlOf(site: NodeJS.CallSite): string | null {
  return site.getFileName() ?? site.getEvalOrigin() ?? null;
}

/** Of a CallSite of V8, requested by anyone. */
export function toFrame(site: NodeJS.CallSite): RawFrame {
  const url = urlOf(site);
  const name = url === null ? builtinName(site.toString()) : (site.getFunctionName() ?? '');
  const frame: RawFrame = [name.slice(0, NAME_LIMIT), url, site.getLineNumber() ?? 0, site.getColumnNumber() ?? 0];
  const { isAsync, getEnclosingLineNumber, getEnclosingColumnNumber } = site as CallSiteBeyondTypes;
  const awaits = apply(isAsync, site, []) ? 1 : 0;
  if (url !== null && isShortName(name)) {
    frame.push(awaits, `${apply(getEnclosingLineNumber, site, [])}:${apply(getEnclosingColumnNumber, site, [])}`);
  } else if (awaits) frame.push(1);
  return frame;
}

export function takenNow(): TakenStack {
  const holder: TakenStack = {};
  captureStackTrace(holder);
  return holder;
}

/**
 * Built-ins have no file; their text names the object as well: "JSON.parse (<anonymous>)".
 *
 * No regular expression may run here: V8 keeps one set of match positions, and on Node 20 and 22 an interrupted
 * `replace` of the application would go on with ours.
 */
function builtinName(text: string): string {
  const end = text.indexOf(' (');
  return end < 0 ? text : text.slice(0, end);
}
