import { executionAsyncResource } from 'node:async_hooks';
import { createSensor, isOff } from '../../guard.ts';
import { min, monotonicMs, NativeMap, NativeWeakMap, NativeWeakRef } from '../../primordials.ts';
import { hookPromises } from '../../promise-hooks.ts';
import type { RawFrame } from '../../shared-memory.ts';
import { onLeave } from '../leaving.ts';
import { enterInit, inits } from '../own-hooks.ts';
import { readStack, type TakenStack, takeStack } from '../stack.ts';
import { hookWithoutPromises } from '../tracking/handle-hook.ts';
import { PASSING } from '../tracking/handle-types.ts';
import { belowHooks, isLibrarys, isNodes } from '../tracking/sites.ts';

/** Frames taken: Node's fetch has some 28 of its own between the program and the connection. */
const FRAMES = { resource: 64, promise: 32 } as const;
/** Of each second, for stacks: beyond it, what is made has the origin of what made it. */
const BUDGET_MS = 150;
/** A stack that took longer had to wait for a core. */
const MOST_STACK_MS = 0.2;
/** Of a chain; from there on the first of it, and the latest. */
const MAX_DEPTH = 24;
const MAX_STEPS = 8;
const MAX_KEPT = 6;
const MAX_PENDING = 5000;
/** Nested reactions of promises, which there hardly are. */
const MAX_NESTED = 100;
/** What Node's lists of open things leave out, on one version or another. */
const OPERATIONS =
  'FSREQ PBKDF2 SCRYPT KEYPAIRGEN KEYGEN RANDOMBYTES HASH SIGN CIPHER CHECKPRIME DERIVEBITS ZLIB'.split(' ');

/** Where something was made, and what led there. */
interface Origin {
  taken: TakenStack | null;
  frames: RawFrame[] | null;
  parent: Origin | null;
  depth: number;
  startMs: number;
}

export interface ReadOrigin {
  made: RawFrame[];
  steps: RawFrame[][];
  startMs: number;
}

/**
 * Remembers of everything that is made (EVDIAG_WHY) the stack, and what had made that which runs: so the line of the program is known also
 * where a library opens something in a later turn. Nothing is kept longer than the thing itself, but for the stacks that led to it.
 */
export class Origins {
  readonly #of = new NativeWeakMap<object, Origin>();
  /** Reactions that run: Node does not know them while no async hook follows promises. */
  readonly #running: (Origin | null)[] = [];
  readonly #pending = new NativeMap<number, { type: string; ref: WeakRef<object> }>();
  #secondMs = 0;
  #spentMs = 0;

  constructor() {
    const sensor = createSensor('the origins of what is open');
    const hook = hookWithoutPromises({
      init: (id, type, _trigger, resource) => {
        let entered = false;
        try {
          if (isOff(sensor)) return;
          entered = enterInit();
          if (entered) this.#made(id, type, resource);
        } catch (error) {
          sensor.caught = { error };
        }
        if (entered) inits.words[inits.at]! += 1;
      },
      destroy: (id) => {
        try {
          this.#pending.delete(id);
        } catch (error) {
          sensor.caught = { error };
        }
      },
    });
    const unhook = hookPromises({
      init: (promise) => {
        try {
          if (!isOff(sensor)) this.#note(promise, FRAMES.promise);
        } catch (error) {
          sensor.caught = { error };
        }
      },
      before: (promise) => {
        try {
          if (this.#running.length < MAX_NESTED) this.#running[this.#running.length] = this.#of.get(promise) ?? null;
        } catch (error) {
          sensor.caught = { error };
        }
      },
      after: () => {
        try {
          if (this.#running.length > 0) this.#running.length--;
        } catch (error) {
          sensor.caught = { error };
        }
      },
    });
    onLeave(() => {
      hook.disable();
      unhook();
    });
  }

  /** Of the first of these that some code outside of Node led to, or else of the first that is known. */
  read(objects: readonly object[]): ReadOrigin | null {
    let first: ReadOrigin | null = null;
    for (let i = 0; i < objects.length; i++) {
      const origin = this.#of.get(objects[i]!);
      if (!origin) continue;
      const read = { made: madeFrames(origin), steps: stepsOf(origin), startMs: origin.startMs };
      first ??= read;
      if (read.steps.length > 0 || read.made.some(isOthers)) return { ...read, startMs: first.startMs };
    }
    return first;
  }

  /** Operations that have not ended, by Node's name. */
  pending(): { type: string; resource: object }[] {
    const found: { type: string; resource: object }[] = [];
    for (const { type, ref } of this.#pending.values()) {
      const resource = ref.deref();
      if (resource) found[found.length] = { type, resource };
    }
    return found;
  }

  #made(id: number, type: string, resource: object): void {
    this.#note(resource, FRAMES.resource);
    if (PASSING.has(type) || !isOperation(type) || this.#pending.size >= MAX_PENDING) return;
    this.#pending.set(id, { type, ref: new NativeWeakRef(resource) });
  }

  #note(resource: object, frames: number): void {
    const parent = this.#current();
    const startMs = monotonicMs();
    if (startMs - this.#secondMs > 1000) {
      this.#secondMs = startMs;
      this.#spentMs = 0;
    }
    if (this.#spentMs > BUDGET_MS) {
      if (parent) this.#of.set(resource, parent);
      return;
    }
    const taken = takeStack(frames);
    this.#spentMs += min(MOST_STACK_MS, monotonicMs() - startMs);
    this.#of.set(resource, { taken, frames: null, startMs, ...below(parent) });
  }

  #current(): Origin | null {
    const { length } = this.#running;
    if (length > 0) return this.#running[length - 1] ?? null;
    return this.#of.get(executionAsyncResource()) ?? null;
  }
}

function below(parent: Origin | null): Pick<Origin, 'parent' | 'depth'> {
  if (parent === null || parent.depth < MAX_DEPTH) return { parent, depth: parent ? parent.depth + 1 : 0 };
  let first = parent;
  while (first.parent) first = first.parent;
  return { parent: { ...parent, parent: first, depth: 1 }, depth: 2 };
}

function framesOf(origin: Origin): RawFrame[] {
  if (origin.frames !== null) return origin.frames;
  const frames = origin.taken ? belowHooks(readStack(origin.taken)) : [];
  if (frames.length > 0) {
    origin.frames = frames;
    origin.taken = null;
  }
  return frames;
}

/** Node's frames before the first other one, then those of libraries and of the program, so many of each. */
function madeFrames(origin: Origin): RawFrame[] {
  const counts = { libraries: 0, own: 0 };
  return framesOf(origin).filter((frame) => {
    if (isNodes(frame)) return counts.libraries + counts.own === 0;
    return ++counts[isLibrarys(frame[1]) ? 'libraries' : 'own'] <= MAX_KEPT;
  });
}

/** Those that have frames of the program or of a library, each place once; the first of all is one of them. */
function stepsOf(origin: Origin): RawFrame[][] {
  const steps: RawFrame[][] = [];
  const seen = new NativeMap<string, true>();
  seen.set(placeKey(madeFrames(origin).filter(isOthers)), true);
  for (let at = origin.parent; at; at = at.parent) {
    const frames = madeFrames(at).filter(isOthers);
    const key = placeKey(frames);
    if (frames.length === 0 || seen.has(key)) continue;
    seen.set(key, true);
    if (steps.length >= MAX_STEPS) steps.length = MAX_STEPS - 1;
    steps[steps.length] = frames;
  }
  return steps;
}

function isOthers(frame: RawFrame): boolean {
  return !isNodes(frame);
}

function placeKey(frames: RawFrame[]): string {
  let key = '';
  for (const [, url, line, column] of frames) key += `${url}:${line}:${column} `;
  return key;
}

/** Without a regular expression: see tracking/handle-types.ts. */
function isOperation(type: string): boolean {
  for (let i = 0; i < OPERATIONS.length; i++) if (type.startsWith(OPERATIONS[i]!)) return true;
  return false;
}
