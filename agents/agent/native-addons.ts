import { basename } from 'node:path';
import { attempt, createSensor, isOff, type Sensor } from '../guard.ts';
import {
  apply,
  getOwnPropertyDescriptor,
  getPrototypeOf,
  NativeObject,
  NativeProxy,
  NativeString,
  NativeUint8Array,
  NativeUint32Array,
  NativeWeakSet,
  ownKeys,
  process,
  tryDefineProperty,
} from '../primordials.ts';
import { onLeave, replaceUntilLeft } from './leaving.ts';
import { type AnyFunction, like, showAs } from './replace.ts';

/** Functions that are marked, of all add-ons together: more than the largest of them has. */
export const MAX_ADD_ON_CALLS = 600;
/** An add-on's functions are in its exports, and in the objects in these. */
const MAX_DEPTH = 2;

/**
 * A mark costs up to 0.3 µs, which is much for the quickest of them. A function that is called this often between two checks is quick, and is
 * not marked for a while.
 */
const OFTEN_CALLS = 5000;
const REST_LOOKS = 30;

type Trap = (original: AnyFunction, self: unknown, args: unknown[]) => unknown;
type Found = [module: string, name: string][];

interface Options {
  /** Marks the call of that number. */
  markCall(index: number): Trap;
  /** Reports their names, in the order of their numbers; an empty name means functions that cannot be marked. */
  announce(calls: Found): void;
}

/**
 * Marks the functions of the native add-ons that a thread loads from now on while they run: a native call cannot be interrupted.
 * Call the returned function about once a second.
 */
export function markNativeAddons(options: Options): () => void {
  const sensor = createSensor('the marks of native add-ons');
  const addOns = new AddOns(options, sensor);
  followLoading(sensor, (module, file) => addOns.onLoaded(module, file));
  return () => addOns.look();
}

/** Called for each add-on that is loaded. */
function followLoading(sensor: Sensor, onLoaded: (module: unknown, file: unknown) => void): void {
  const { dlopen } = process as unknown as { dlopen: AnyFunction };
  const loading = like(dlopen, function markedCall(this: unknown, ...args: unknown[]): unknown {
    const result = apply(dlopen, this, args);
    try {
      if (!isOff(sensor)) onLoaded(args[0], args[1]);
    } catch (error) {
      // Its functions are not marked then.
      sensor.caught = { error };
    }
    return result;
  });
  replaceUntilLeft(process as unknown as Record<string, unknown>, 'dlopen', dlopen, loading);
}

/** The functions of all add-ons, by number. */
class AddOns {
  readonly #options: Options;
  readonly #sensor: Sensor;
  readonly #marked = new NativeWeakSet<object>();
  /** Calls since the last check, and checks that must pass before it is marked again. */
  readonly #calls = new NativeUint32Array(MAX_ADD_ON_CALLS);
  readonly #rests = new NativeUint8Array(MAX_ADD_ON_CALLS);
  readonly #put: ((marked: boolean) => void)[] = [];
  #count = 0;

  constructor(options: Options, sensor: Sensor) {
    this.#options = options;
    this.#sensor = sensor;
  }

  onLoaded(module: unknown, file: unknown): void {
    const { exports } = module as { exports?: unknown };
    if ((typeof exports !== 'object' && typeof exports !== 'function') || exports === null) return;
    if (this.#marked.has(exports)) return;
    this.#marked.add(exports);
    const found: Found = [];
    this.#markAll(exports, '', 1, basename(NativeString(file)), found);
    if (found.length > 0) this.#options.announce(found);
  }

  look(): void {
    const rests = this.#rests;
    this.#calls.fill(0, 0, this.#count);
    for (let index = 0; index < this.#count; index++) {
      if (rests[index] !== 0 && --rests[index]! === 0) this.#put[index]?.(true);
    }
  }

  #markAll(exported: object, of: string, depth: number, file: string, found: Found): void {
    for (const key of names(exported)) {
      const value: unknown = getOwnPropertyDescriptor(exported, key)?.value;
      if (typeof value === 'function') {
        if (isClass(value)) this.#markMethods(value.prototype as object, key, file, found);
        else this.#stand(exported, key, `${of}${key}`, file, found);
      } else if (typeof value === 'object' && value !== null && depth < MAX_DEPTH && isPlain(value)) {
        this.#markAll(value, `${of}${key}.`, depth + 1, file, found);
      }
    }
  }

  #markMethods(prototype: object, of: string, file: string, found: Found): void {
    for (const key of names(prototype)) {
      if (key !== 'constructor') this.#stand(prototype, key, `${of}.${key}`, file, found);
    }
  }

  #stand(holder: object, key: string, name: string, file: string, found: Found): void {
    const property = getOwnPropertyDescriptor(holder, key);
    const original: unknown = property?.value;
    if (typeof original !== 'function' || this.#count >= MAX_ADD_ON_CALLS) return;
    if (!property!.configurable && !property!.writable) {
      if (!found.some(([, known]) => known === '')) found.push([file, '']);
      this.#count++;
      return;
    }
    tryDefineProperty(holder, key, { ...property, value: this.#standIn(this.#count++, original, holder, key) });
    found.push([file, name]);
  }

  /** The wrapper of a function; it removes itself when it is called too often. */
  #standIn(index: number, original: object, holder: object, key: string): object {
    const calls = this.#calls;
    const rests = this.#rests;
    const mark = this.#options.markCall(index);
    const trap: Trap = (target, self, args) => {
      if (rests[index] !== 0) return apply(target, self, args);
      if (++calls[index]! > OFTEN_CALLS) {
        rests[index] = REST_LOOKS;
        attempt(this.#sensor, () => this.#put[index]!(false));
      }
      return mark(target, self, args);
    };
    const proxy = new NativeProxy(original, { apply: trap as never });
    showAs(original, proxy);
    this.#put[index] = (marked) => {
      const property = getOwnPropertyDescriptor(holder, key);
      // Others may have replaced it.
      if (property?.value === (marked ? original : proxy)) {
        tryDefineProperty(holder, key, { ...property, value: marked ? proxy : original });
      }
    };
    onLeave(() => this.#put[index]!(false));
    return proxy;
  }
}

function names(holder: object): string[] {
  return ownKeys(holder).filter((key): key is string => typeof key === 'string');
}

/** Its prototype has methods: constructed objects must be the same as before. */
function isClass(value: { prototype?: unknown }): boolean {
  const { prototype } = value;
  return typeof prototype === 'object' && prototype !== null && names(prototype).length > 1;
}

function isPlain(value: object): boolean {
  return getPrototypeOf(value) === NativeObject.prototype;
}
