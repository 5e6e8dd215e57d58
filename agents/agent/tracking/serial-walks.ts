import { isOff, type Sensor } from '../../guard.ts';
import { monotonicMs } from '../../primordials.ts';
import type { RawFrame } from '../../shared-memory.ts';
import { atNextTurn } from '../microtask-turns.ts';
import { type Known, knownOf } from './known-promise.ts';
import { isPending } from './promise-state.ts';
import type { Awaiting, SerialRuns } from './serial-runs.ts';

/** Of each interval, to ask V8 where a call waits: some 20 µs each. */
const ASK_MS = 2;
/** What took longer had to wait for a core. */
const MOST_MS = 0.2;
/** Asked at one turn. */
const MAX_ASKED = 50;

/** Who awaits each, innermost first. */
type Chains = (promises: object[]) => RawFrame[][];

/**
 * Follows the awaits of a call of which one is followed, also where the sample passes over the others: when the call has gone on, what it
 * awaits next is the promise that V8 has just made. Where that is, V8 is asked at the next turn, if the call still waits: what is over by
 * then is not worth to be known.
 */
export class SerialWalks {
  readonly #serial: SerialRuns;
  readonly #known: WeakMap<object, Known>;
  readonly #chains: Chains;
  readonly #sensor: Sensor;
  #waiting: { one: Awaiting; awaited: object }[] = [];
  #share = 1;
  #leftMs: number = ASK_MS;
  #spentMs = 0;

  constructor(serial: SerialRuns, known: WeakMap<object, Known>, sensor: Sensor, chains: Chains) {
    this.#serial = serial;
    this.#known = known;
    this.#sensor = sensor;
    this.#chains = chains;
  }

  /** One of the sample waits for `awaited`. Where it stands for several, V8 says where it is, as of those that follow. */
  begins(one: Awaiting, awaited: object): void {
    if (one.weight > 1) this.#locate(one, awaited);
  }

  /** The call that awaited has gone on: `made` is what V8 made just before, for an await of `awaited`, if it did. */
  wentOn(before: Awaiting, made: object | null, awaited: object | null): void {
    this.#serial.wentOn(before, made && awaited && this.#next(made, awaited));
  }

  newInterval(): void {
    this.#leftMs = ASK_MS * this.#share;
  }

  setShare(share: number): void {
    this.#share = share;
  }

  /** Time that asking took since the last call. */
  spent(): number {
    const ms = this.#spentMs;
    this.#spentMs = 0;
    return ms;
  }

  pause(): void {
    this.#waiting = [];
  }

  #next(made: object, awaited: object): Awaiting {
    const entry = knownOf(this.#known, made);
    if (entry.own?.site.what === 'await') return entry.own;
    const one: Awaiting = { site: null, at: null, startMs: monotonicMs(), weight: 1, run: null };
    entry.walked = one;
    this.#locate(one, awaited);
    return one;
  }

  #locate(one: Awaiting, awaited: object): void {
    if (this.#leftMs <= 0 || this.#waiting.length >= MAX_ASKED) return;
    this.#waiting.push({ one, awaited });
    if (this.#waiting.length === 1) atNextTurn(() => this.#ask());
  }

  #ask(): void {
    const waiting = this.#waiting.filter(({ awaited }) => isPending(awaited));
    this.#waiting = [];
    if (isOff(this.#sensor) || waiting.length === 0) return;
    const from = monotonicMs();
    const chains = this.#chains(waiting.map(({ awaited }) => awaited));
    const ms = monotonicMs() - from;
    const tookMs = ms < MOST_MS * waiting.length ? ms : MOST_MS * waiting.length;
    this.#leftMs -= tookMs;
    this.#spentMs += tookMs;
    for (let i = 0; i < waiting.length; i++) {
      const frames = chains[i];
      if (!frames?.[0]) continue;
      const { one } = waiting[i]!;
      one.at = frames[0];
      one.site ??= { frames };
    }
  }
}
