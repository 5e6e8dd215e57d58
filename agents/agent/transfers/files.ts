/**
 * Counts the operations on files by place, with their sizes. Node publishes none of that, and an async resource of a file does not say
 * what is done to which file: so the functions are wrapped. Only one in so many calls is looked at.
 */
import { builtIn } from '../../built-in.ts';
import { createSensor, isOff } from '../../guard.ts';
import {
  apply,
  getPrototypeOf,
  NativeFunction,
  NativeMap,
  NativeProxy,
  round,
  tryDefineProperty,
} from '../../primordials.ts';
import type { RawFileUse } from '../../tracked.ts';
import { onceLoaded } from '../built-ins.ts';
import { onLeave, replaceUntilLeft } from '../leaving.ts';
import type { NodeInternals } from '../node-internals.ts';
import { type AnyFunction, like, showAs } from '../replace.ts';
import type { Arguments } from '../tracking/wrap.ts';
import { fileOf, pathOf, placedSizeOf, sizeOf } from './file-arguments.ts';
import { newTally, Places, reset, scaleOf, type Tally } from './places.ts';

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

/** Files that are told apart at one place, and places that are reported. */
const MAX_FILES = 16;
const MAX_REPORTED = 10;
/** Fewer in a second are nothing to tell. */
const LEAST_COUNT = 10;

interface Figures {
  call: string;
  use: Use;
  count: number;
  bytes: number;
  sized: number;
  positioned: number;
  opened: number;
  files: Map<string, number>;
  tally: Tally | null;
}

export class Files {
  readonly #sensor = createSensor('the count of file operations');
  readonly #places = new Places<Figures>(noFigures);
  #isOn = true;
  /** An operation of node:fs that calls another one counts once. */
  #isInside = false;
  #flushes = 0;
  readonly #tallies: Tally[] = [];

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

  follow(share: number): void {
    this.#isOn = share > 0 && !isOff(this.#sensor);
    this.#places.setBudget(share);
  }

  spent(): number {
    return this.#places.sampling.spent();
  }

  read(intervalMs: number): { files: RawFileUse[]; flushes: number } {
    this.#places.sampling.adapt(intervalMs);
    const files: RawFileUse[] = [];
    for (const { frames, figures } of this.#places.take()) {
      const scale = figures.tally ? scaleOf(figures.tally) : 1;
      if (figures.count * scale >= LEAST_COUNT) files[files.length] = { ...scaled(figures, scale), frames };
    }
    reset(this.#tallies);
    const flushes = this.#flushes;
    this.#flushes = 0;
    return { files: files.sort((a, b) => b.count - a.count).slice(0, MAX_REPORTED), flushes };
  }

  #wrapPromises({ exports, FileHandle }: Record<string, unknown>): void {
    if (typeof exports === 'object' && exports !== null) {
      const promises = exports as Record<string, unknown>;
      this.#wrapAll(promises, CALLS, '');
    }
    const handles = (FileHandle as { prototype?: Record<string, unknown> } | undefined)?.prototype;
    if (!handles) return;
    this.#wrapAll(handles, HANDLE_CALLS, 'FileHandle.');
    this.#wrapFlushes(handles, HANDLE_FLUSHES);
  }

  #wrapAll(holder: Record<string, unknown>, calls: Calls, of: string): void {
    for (let i = 0; i < calls.length; i++) {
      const [names, use, shape] = calls[i]!;
      for (let j = 0; j < names.length; j++) {
        const call = `${of}${names[j]}`;
        const tally = newTally();
        this.#tallies[this.#tallies.length] = tally;
        this.#wrap(holder, names[j]!, (self, args, wrapper) => {
          tally.calls++;
          this.#count({ call, use, shape, self: of === '' ? null : self, args, wrapper, tally });
        });
      }
    }
  }

  #wrapFlushes(holder: Record<string, unknown>, names: readonly string[]): void {
    for (let i = 0; i < names.length; i++) {
      this.#wrap(holder, names[i]!, () => {
        this.#flushes++;
      });
    }
  }

  #wrap(holder: Record<string, unknown>, name: string, note: Note): void {
    const original = holder[name];
    if (typeof original !== 'function') return;
    const before = (self: unknown, args: Arguments, wrapper: AnyFunction): boolean => {
      try {
        if (this.#isInside || !this.#isOn || isOff(this.#sensor)) return false;
        this.#isInside = true;
        note(self, args, wrapper);
        return true;
      } catch (error) {
        this.#sensor.caught = { error };
        return false;
      }
    };
    const after = (): void => {
      this.#isInside = false;
    };
    if (getPrototypeOf(original) === NativeFunction.prototype)
      wrapPlain(holder, name, original as AnyFunction, before, after);
    else wrapAsync(holder, name, original as AnyFunction, before, after);
  }

  #count({ call, use, shape, self, args, wrapper, tally }: Call): void {
    const { sampling } = this.#places;
    // The first of each function and interval, too: what is counted has a place.
    const isFirst = tally.seen === 0;
    if (!sampling.next() && !isFirst) return;
    const weight = isFirst ? 1 : sampling.weight();
    tally.seen += weight;
    sampling.spend(() => {
      const place = this.#places.here(call, wrapper);
      if (!place) return;
      const { figures } = place;
      figures.call = call;
      figures.use = use;
      figures.tally = tally;
      figures.count += weight;
      const isPath = shape !== 'descriptor and buffer' && self === null && typeof args[0] !== 'number';
      if (isPath) figures.opened += weight;
      const data = self === null ? 1 : 0;
      const size = shape === 'path' ? null : shape === 'path and data' ? sizeOf(args[data]) : placedSizeOf(args, data);
      if (size) {
        figures.bytes += size.bytes * weight;
        figures.sized += weight;
        if (size.isPlaced) figures.positioned += weight;
      }
      const file = isPath ? pathOf(args[0]) : fileOf(self ?? args[0]);
      if (file === null) return;
      const before = figures.files.get(file);
      if (before !== undefined || figures.files.size < MAX_FILES) figures.files.set(file, (before ?? 0) + weight);
    });
  }
}

interface Call {
  call: string;
  use: Use;
  shape: Shape;
  self: unknown;
  args: Arguments;
  wrapper: AnyFunction;
  tally: Tally;
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

function noFigures(): Figures {
  return {
    call: '',
    use: 'look',
    count: 0,
    bytes: 0,
    sized: 0,
    positioned: 0,
    opened: 0,
    files: new NativeMap(),
    tally: null,
  };
}

function scaled({ files, tally: _, ...figures }: Figures, scale: number): Omit<RawFileUse, 'frames'> {
  const whole = (count: number): number => round(count * scale);
  const { sameFile, file } = mostUsed(files);
  return {
    ...figures,
    count: whole(figures.count),
    bytes: whole(figures.bytes),
    sized: whole(figures.sized),
    positioned: whole(figures.positioned),
    opened: whole(figures.opened),
    sameFile: whole(sameFile),
    file,
  };
}

function mostUsed(counts: ReadonlyMap<string, number>): { sameFile: number; file: string | null } {
  let most = { sameFile: 0, file: null as string | null };
  for (const [file, sameFile] of counts) if (sameFile > most.sameFile) most = { sameFile, file };
  return most;
}
