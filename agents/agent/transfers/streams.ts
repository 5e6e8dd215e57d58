/**
 * Follows streams to which the program writes although `write` has returned false and "drain" has not come: what is written waits in the
 * memory of the process. A stream that waits, as `pipe` and `pipeline` do, is never one of them.
 */
import { builtIn } from '../../built-in.ts';
import { createSensor, isOff } from '../../guard.ts';
import { apply, getPrototypeOf, max, NativeMap, NativeWeakMap, NativeWeakRef, process } from '../../primordials.ts';
import type { RawStreamUse } from '../../tracked.ts';
import { replaceUntilLeft } from '../leaving.ts';
import { type AnyFunction, like } from '../replace.ts';
import { type PlaceOf, Places } from './places.ts';

/** Followed at a time. */
const MAX_FOLLOWED = 1000;
/** Fewer writes than this fit in what a peer takes at once. */
const LEAST_IGNORED = 10;
const MAX_REPORTED = 10;

interface WritableState {
  needDrain?: unknown;
  length?: unknown;
  objectMode?: unknown;
}

interface Followed {
  ref: WeakRef<{ _writableState?: WritableState }>;
  name: string;
  place: PlaceOf<null> | null;
  ignored: number;
  peak: number;
  isOfObjects: boolean;
}

export class Streams {
  readonly #sensor = createSensor('the watch over full streams');
  readonly #places = new Places<null>(() => null);
  readonly #byStream = new NativeWeakMap<object, Followed>();
  readonly #followed: Followed[] = [];
  #isOn = true;
  #isIn = false;

  follow(share: number): void {
    this.#isOn = share > 0 && !isOff(this.#sensor);
    this.#places.setBudget(share);
    if (this.#isOn) this.#wrap();
  }

  spent(): number {
    return this.#places.sampling.spent();
  }

  /** By place, those that were written to, or still hold what was. */
  read(intervalMs: number): RawStreamUse[] {
    this.#places.sampling.adapt(intervalMs);
    const byPlace = new NativeMap<PlaceOf<null>, RawStreamUse>();
    let kept = 0;
    for (let i = 0; i < this.#followed.length; i++) {
      const one = this.#followed[i]!;
      const bytes = bufferedBy(one);
      if (one.place && (one.ignored >= LEAST_IGNORED || bytes > 0)) {
        const use = byPlace.get(one.place) ?? noUse(one.place);
        byPlace.set(one.place, use);
        add(use, one, bytes);
      }
      one.ignored = 0;
      one.peak = bytes;
      // What is empty comes again with the next write that does not wait.
      if (bytes > 0) this.#followed[kept++] = one;
      else forget(this.#byStream, one);
    }
    this.#followed.length = kept;
    return [...byPlace.values()].sort((a, b) => b.peakBytes - a.peakBytes).slice(0, MAX_REPORTED);
  }

  /** Once Node's streams are loaded: they are not loaded for it. */
  #wrap(): void {
    const { moduleLoadList } = process as unknown as { moduleLoadList?: string[] };
    if (this.#isIn || !moduleLoadList?.includes('NativeModule internal/streams/duplex')) return;
    this.#isIn = true;
    const { Duplex, Writable } = builtIn<typeof import('node:stream')>('stream')!;
    const writables = Writable.prototype as unknown as Record<string, unknown>;
    const duplexes = Duplex.prototype as unknown as Record<string, unknown>;
    const original = writables.write as AnyFunction;
    const note = (stream: object): void => this.#note(stream, wrapper);
    const sensor = this.#sensor;
    const wrapper: AnyFunction = like(original, function markedCall(this: unknown): unknown {
      try {
        const state = (this as { _writableState?: WritableState })._writableState;
        if (state?.needDrain === true && !isOff(sensor)) note(this as object);
      } catch (error) {
        sensor.caught = { error };
      }
      // biome-ignore lint/complexity/noArguments: V8 hands them on without making a list
      return apply(original, this, arguments);
    });
    replaceUntilLeft(writables, 'write', original, wrapper);
    if (duplexes.write === original) replaceUntilLeft(duplexes, 'write', original, wrapper);
  }

  #note(stream: object, wrapper: AnyFunction): void {
    if (!this.#isOn) return;
    const one = this.#byStream.get(stream) ?? this.#begin(stream);
    if (!one) return;
    one.ignored++;
    const bytes = lengthOf(stream);
    if (bytes > one.peak) one.peak = bytes;
    // The first places that write to it are Node's, where a pipe has filled it.
    const { sampling } = this.#places;
    if (one.place === null && sampling.next()) {
      sampling.spend(() => {
        one.place = this.#places.here('write', wrapper);
      });
    }
  }

  #begin(stream: object): Followed | null {
    if (this.#followed.length >= MAX_FOLLOWED) return null;
    const one: Followed = {
      ref: new NativeWeakRef(stream),
      name: classOf(stream),
      place: null,
      ignored: 0,
      peak: 0,
      isOfObjects: (stream as { _writableState: WritableState })._writableState.objectMode === true,
    };
    this.#byStream.set(stream, one);
    this.#followed[this.#followed.length] = one;
    return one;
  }
}

function forget(byStream: WeakMap<object, Followed>, { ref }: Followed): void {
  const stream = ref.deref();
  if (stream) byStream.delete(stream);
}

function lengthOf(stream: object): number {
  const length = (stream as { _writableState?: WritableState })._writableState?.length;
  return typeof length === 'number' ? length : 0;
}

/** What a destroyed one held is given up. */
function bufferedBy({ ref }: Followed): number {
  const stream = ref.deref() as { destroyed?: unknown } | undefined;
  return stream === undefined || stream.destroyed === true ? 0 : lengthOf(stream);
}

function noUse({ frames }: PlaceOf<null>): RawStreamUse {
  return { frames, stream: '', streams: 0, ignored: 0, bufferedBytes: 0, peakBytes: 0, largestBytes: 0 };
}

function add(use: RawStreamUse, { name, ignored, peak, isOfObjects }: Followed, bytes: number): void {
  use.streams++;
  use.ignored += ignored;
  use.bufferedBytes += bytes;
  use.peakBytes += max(peak, bytes);
  if (bytes >= use.largestBytes) use.stream = name;
  use.largestBytes = max(use.largestBytes, bytes);
  if (isOfObjects) use.objects = true;
}

const NAME_LIMIT = 60;

function classOf(stream: object): string {
  const name = (getPrototypeOf(stream) as { constructor?: { name?: unknown } }).constructor?.name;
  return typeof name === 'string' ? name.slice(0, NAME_LIMIT) : '';
}
