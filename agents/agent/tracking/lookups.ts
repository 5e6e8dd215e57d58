import { type PerformanceEntry, PerformanceObserver, type PerformanceObserverEntryList } from 'node:perf_hooks';
import { guarded, type Sensor } from '../../guard.ts';
import { max, min, NativeMap, NativeNumber, NativeSet } from '../../primordials.ts';
import type { RawFrame } from '../../shared-memory.ts';
import type { RawLookup } from '../../tracked.ts';
import { ownersFrames } from './owners-frames.ts';
import { createSampling } from './sampling.ts';

/** An answer is good for as long as caches commonly keep it. */
const KNOWN_MS = 60_000;
/** Of each second, for stacks: at first, and at most. */
const BUDGET_MS = 2;
const MAX_NAMES = 200;
const MAX_WAITING = 100;
const NAME_LIMIT = 200;

const REQUESTS: ReadonlySet<string> = new NativeSet(['GETADDRINFOREQWRAP', 'QUERYWRAP']);

interface Name extends Omit<RawLookup, 'frames' | 'spanMs'> {
  firstMs: number;
  lastMs: number;
  /** When the first answer was there, and the last. */
  answeredMs: number;
  changed: boolean;
}

/** Names that are looked up again and again: by Node's entries of performance, which have the name, and by the stack of a sample. */
export class Lookups {
  readonly #names = new NativeMap<string, Name>();
  readonly #places = new NativeMap<string, RawFrame[]>();
  readonly #sampling = createSampling(BUDGET_MS);
  readonly #observer: PerformanceObserver;
  /** Node sets the name after the hook. */
  #waiting: { request: { hostname?: unknown }; frames: RawFrame[] }[] = [];

  constructor(sensor: Sensor) {
    const onEntries = guarded(sensor, (list: PerformanceObserverEntryList) => {
      for (const entry of list.getEntries()) this.#add(entry);
    });
    this.#observer = new PerformanceObserver(onEntries as (list: PerformanceObserverEntryList) => void);
  }

  resume(): void {
    this.#observer.observe({ entryTypes: ['dns'] });
  }

  pause(): void {
    this.#observer.disconnect();
    this.#waiting = [];
  }

  /** Called within a hook, for each resource that is made. */
  onMade(type: string, resource: object): void {
    if (!REQUESTS.has(type) || this.#waiting.length >= MAX_WAITING || !this.#sampling.next()) return;
    this.#sampling.spend(() => {
      this.#waiting.push({ request: resource, frames: ownersFrames() });
    });
  }

  adapt(intervalMs: number): void {
    this.#sampling.adapt(intervalMs);
    this.#findPlaces();
  }

  setBudget(share: number): void {
    this.#sampling.setBudget(BUDGET_MS * share);
  }

  spent(): number {
    return this.#sampling.spent();
  }

  /** Those that were asked for again since the last call; `framesOf`: who asked a host by a client that looks it up by itself. */
  read(framesOf: (host: string) => RawFrame[] | null): RawLookup[] {
    this.#findPlaces();
    const read: RawLookup[] = [];
    for (const one of this.#names.values()) {
      if (!one.changed || one.repeated === 0) continue;
      one.changed = false;
      const { answeredMs: _answered, changed: _changed, firstMs, lastMs, ...lookup } = one;
      read.push({
        ...lookup,
        spanMs: lastMs - firstMs,
        frames: this.#places.get(one.name) ?? framesOf(one.name) ?? [],
      });
    }
    return read;
  }

  #findPlaces(): void {
    for (const { request, frames } of this.#waiting) {
      const { hostname } = request;
      const isProgram = frames.some(([, url]) => url !== null && !url.startsWith('node:'));
      if (typeof hostname !== 'string' || !isProgram) continue;
      if (this.#places.size >= MAX_NAMES) this.#places.clear();
      this.#places.set(hostname.slice(0, NAME_LIMIT), frames);
    }
    this.#waiting = [];
  }

  #add({ name: api, startTime, duration, detail }: PerformanceEntry & { detail?: unknown }): void {
    const { hostname, host } = (detail ?? {}) as { hostname?: unknown; host?: unknown };
    const name = typeof hostname === 'string' ? hostname : host;
    if (typeof name !== 'string' || name === '' || api === 'lookupService' || api === 'getHostByAddr') return;
    const one = this.#nameOf(name.slice(0, NAME_LIMIT), api, startTime);
    if (!one) return;
    const endMs = startTime + duration;
    if (startTime > one.answeredMs && startTime - one.answeredMs < KNOWN_MS) one.repeated++;
    // The first answer of those that were asked for together.
    one.answeredMs = startTime > one.answeredMs ? endMs : min(one.answeredMs, endMs);
    one.count++;
    one.totalMs += duration;
    one.maxMs = max(one.maxMs, duration);
    one.lastMs = max(one.lastMs, endMs);
    one.changed = true;
  }

  #nameOf(name: string, api: string, startMs: number): Name | null {
    const key = `${api} ${name}`;
    let one = this.#names.get(key);
    if (!one) {
      if (this.#names.size >= MAX_NAMES) return null;
      one = {
        ...{ name, api, count: 0, repeated: 0, totalMs: 0, maxMs: 0, firstMs: startMs, lastMs: startMs },
        ...{ answeredMs: NativeNumber.NEGATIVE_INFINITY, changed: false },
      };
      this.#names.set(key, one);
    }
    return one;
  }
}
