import { max, monotonicMs, NativeMap, NativeString, random } from '../../primordials.ts';
import type { RawFrame } from '../../shared-memory.ts';
import type { RawUpstream } from '../../tracked.ts';
import { createFolding, pathOf } from '../work/routes.ts';

/** Operations in memory; further ones are not known. */
const MAX_UPSTREAMS = 100;
/** In one report: those that are asked most. */
const MAX_REPORTED = 8;
/** Times kept of each between two reports, a random choice. */
const MAX_TIMES = 64;
const ORIGIN_LIMIT = 200;
const METHOD_LIMIT = 16;
const OPERATION_LIMIT = 120;

/** One thing that one origin is asked for. */
export interface Upstream {
  origin: string;
  /** "GET /orders/:id" */
  operation: string;
  frames: RawFrame[];
  answers: number;
  times: number[];
}

/** How long other processes take to answer, by what they are asked for: method and path, without ids and query. */
export class Upstreams {
  readonly #all = new NativeMap<string, Upstream>();
  readonly #fold = createFolding();
  #seenMs = 0;
  #sinceMs: number | null = null;

  resume(): void {
    this.#sinceMs ??= monotonicMs();
  }

  pause(): void {
    this.#passed();
    this.#sinceMs = null;
  }

  /** Null where there is no room. `frames`: where it is asked, if that is known. */
  of(origin: string, method: unknown, path: unknown, frames: RawFrame[] | null): Upstream | null {
    const verb = typeof method === 'string' ? method.slice(0, METHOD_LIMIT) : '';
    const operation = `${verb} ${this.#fold(pathOf(typeof path === 'string' ? path : '/'))}`.slice(0, OPERATION_LIMIT);
    const key = `${origin} ${operation}`;
    let one = this.#all.get(key);
    if (!one) {
      if (this.#all.size >= MAX_UPSTREAMS) return null;
      one = { origin: NativeString(origin).slice(0, ORIGIN_LIMIT), operation, frames: [], answers: 0, times: [] };
      this.#all.set(key, one);
    }
    if (frames && frames.length > 0) one.frames = frames;
    return one;
  }

  answered(one: Upstream | null, ms: number): void {
    if (!one) return;
    one.answers++;
    if (one.times.length < MAX_TIMES) one.times.push(ms);
    else {
      const i = (random() * one.answers) | 0;
      if (i < MAX_TIMES) one.times[i] = ms;
    }
  }

  /** Since the last call. */
  read(): { seenMs: number; upstreams: RawUpstream[] } {
    this.#passed();
    const seenMs = this.#seenMs;
    this.#seenMs = 0;
    const asked = [...this.#all.values()].filter(({ answers }) => answers > 0);
    const most = asked.sort((a, b) => b.answers - a.answers).slice(0, MAX_REPORTED);
    const upstreams = most.map(({ times, ...one }) => ({ ...one, medianMs: medianOf(times) }));
    for (const one of asked) {
      one.answers = 0;
      one.times = [];
    }
    return { seenMs, upstreams };
  }

  #passed(): void {
    if (this.#sinceMs === null) return;
    const now = monotonicMs();
    this.#seenMs += max(0, now - this.#sinceMs);
    this.#sinceMs = now;
  }
}

function medianOf(times: number[]): number {
  times.sort((a, b) => a - b);
  return times[times.length >> 1] ?? 0;
}
