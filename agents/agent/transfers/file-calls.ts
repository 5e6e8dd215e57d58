/**
 * Wraps the functions of node:fs whose operations are counted by place. Node publishes none of that, and an async resource of a file does
 * not say what is done to which file. What counts is loaded later: until then, and while nothing is followed, a wrapper only passes on.
 */
import { builtIn } from '../../built-in.ts';
import { createSensor, isOff } from '../../guard.ts';
import { apply, getPrototypeOf, NativeFunction, NativeProxy, tryDefineProperty } from '../../primordials.ts';
import type { RawFileUse } from '../../tracked.ts';
import { onceLoaded } from '../built-ins.ts';
import { onLeave, replaceUntilLeft } from '../leaving.ts';
import type { NodeInternals } from '../node-internals.ts';
import { type AnyFunction, like, showAs } from '../replace.ts';
import type { Arguments } from '../tracking/wrap.ts';

type Use = RawFileUse['use'];

/** How the first argument names the file, and what the others say about the size. */
type Shape = 'path' | 'path and data' | 'descriptor and buffer';

type Calls = readonly [names: readonly string[], use: Use, shape: Shape][];

/** Those that a chatty program calls; what others do is not counted. */
const CALLS: Calls = [
  [['read', 'readSync'], 'read', 'descriptor and buffer'],
  [['readFile', 'readFileSync'], 'read', 'path'],
  [['write', 'writeSync'], 'write', 'descriptor and buffer'],
  [['appendFile', 'appendFileSync', 'writeFile', 'writeFileSync'], 'write', 'path and data'],
  [['stat', 'statSync', 'access', 'accessSync', 'existsSync'], 'look', 'path'],
  [['open', 'openSync', 'createReadStream', 'createWriteStream'], 'look', 'path'],
];
const FLUSHES = ['fsync', 'fsyncSync', 'fdatasync', 'fdatasyncSync'];
/** Of a FileHandle: there is no argument that names the file. */
const HANDLE_CALLS: Calls = [
  [['read'], 'read', 'descriptor and buffer'],
  [['write'], 'write', 'descriptor and buffer'],
  [['appendFile', 'writeFile'], 'write', 'path and data'],
];
const HANDLE_FLUSHES = ['sync', 'datasync'];

/** A function that is wrapped. */
export interface FileCall {
  call: string;
  use: Use;
  shape: Shape;
  isOfHandle: boolean;
  /** Of the interval: all calls, and those that the ones that were looked at stand for. */
  calls: number;
  seen: number;
}

export interface FileCounter {
  note(what: FileCall, self: unknown, args: Arguments, wrapper: AnyFunction): void;
  flushed(): void;
}

export class FileCalls {
  readonly calls: FileCall[] = [];
  /** Null: nothing is counted. */
  counter: FileCounter | null = null;
  readonly #sensor = createSensor('the count of file operations');
  /** An operation of node:fs that calls another one counts once. */
  #isInside = false;

  constructor(internals: NodeInternals | null) {
    const fs = builtIn<Record<string, unknown>>('fs')!;
    this.#wrapAll(fs, CALLS, '');
    this.#wrapFlushes(fs, FLUSHES);
    const usePromises = (module: Record<string, unknown>): void => this.#wrapPromises(module);
    const isLoaded = internals?.BuiltinModule.map.get('internal/fs/promises')?.loaded === true;
    // Without Node's internals, FileHandle is out of reach.
    if (isLoaded) usePromises(internals!.requireBuiltin('internal/fs/promises'));
    else onceLoaded(internals, 'internal/fs/promises', usePromises);
  }

  #wrapPromises({ exports, FileHandle }: Record<string, unknown>): void {
    if (typeof exports === 'object' && exports !== null) this.#wrapAll(exports as Record<string, unknown>, CALLS, '');
    const handles = (FileHandle as { prototype?: Record<string, unknown> } | undefined)?.prototype;
    if (!handles) return;
    this.#wrapAll(handles, HANDLE_CALLS, 'FileHandle.');
    this.#wrapFlushes(handles, HANDLE_FLUSHES);
  }

  #wrapAll(holder: Record<string, unknown>, calls: Calls, of: string): void {
    for (let i = 0; i < calls.length; i++) {
      const [names, use, shape] = calls[i]!;
      for (let j = 0; j < names.length; j++) {
        const what = { call: `${of}${names[j]}`, use, shape, isOfHandle: of !== '', calls: 0, seen: 0 };
        this.calls[this.calls.length] = what;
        this.#wrap(holder, names[j]!, (self, args, wrapper) => this.counter!.note(what, self, args, wrapper));
      }
    }
  }

  #wrapFlushes(holder: Record<string, unknown>, names: readonly string[]): void {
    for (let i = 0; i < names.length; i++) this.#wrap(holder, names[i]!, () => this.counter!.flushed());
  }

  #wrap(holder: Record<string, unknown>, name: string, note: Note): void {
    const original = holder[name];
    if (typeof original !== 'function') return;
    const before = (self: unknown, args: Arguments, wrapper: AnyFunction): boolean => {
      if (this.counter === null || this.#isInside) return false;
      try {
        if (isOff(this.#sensor)) return false;
        this.#isInside = true;
        note(self, args, wrapper);
      } catch (error) {
        this.#sensor.caught = { error };
      }
      return this.#isInside;
    };
    const after = (): void => {
      this.#isInside = false;
    };
    if (getPrototypeOf(original) === NativeFunction.prototype)
      wrapPlain(holder, name, original as AnyFunction, before, after);
    else wrapAsync(holder, name, original as AnyFunction, before, after);
  }
}

type Note = (self: unknown, args: Arguments, wrapper: AnyFunction) => void;
type Before = (self: unknown, args: Arguments, wrapper: AnyFunction) => boolean;

function wrapPlain(
  holder: Record<string, unknown>,
  name: string,
  original: AnyFunction,
  before: Before,
  after: () => void,
): void {
  const wrapper: AnyFunction = like(original, function markedCall(this: unknown): unknown {
    // biome-ignore lint/complexity/noArguments: V8 hands them on without making a list
    const isOuter = before(this, arguments, wrapper);
    try {
      // biome-ignore lint/complexity/noArguments: the same
      return apply(original, this, arguments);
    } finally {
      if (isOuter) after();
    }
  });
  replaceUntilLeft(holder, name, original, wrapper);
}

/** A function that shows itself as an async one is one: a proxy stays so. */
function wrapAsync(
  holder: Record<string, unknown>,
  name: string,
  original: AnyFunction,
  before: Before,
  after: () => void,
): void {
  const traps = {
    apply: function markedCall(target: AnyFunction, self: unknown, args: unknown[]): unknown {
      const isOuter = before(self, args as never, traps.apply as never);
      try {
        return apply(target, self, args);
      } finally {
        if (isOuter) after();
      }
    },
  };
  const proxy = new NativeProxy(original, traps);
  showAs(original, proxy);
  const put = (from: unknown, to: unknown): void => {
    if (holder[name] === from) tryDefineProperty(holder, name, { value: to });
  };
  put(original, proxy);
  onLeave(() => put(proxy, original));
}
