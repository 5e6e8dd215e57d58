import { NativeMap } from '../../primordials.ts';
import type { RawFrame } from '../../shared-memory.ts';
import { createSampling, type Sampling } from '../tracking/sampling.ts';
import { currentFrames, isNodes } from '../tracking/sites.ts';

/** Frames of a place, none of them Node's. */
const MAX_KEPT = 8;
/** Places in memory, by sensor: programs have some tens. */
const MAX_PLACES = 300;
/** Of the budget, what the stacks of one sensor may take. */
const BUDGET_PART = 0.2;
const MS_PER_SECOND = 1000;

type Wrapper = (...args: never[]) => unknown;

export interface PlaceOf<Figures> {
  frames: RawFrame[];
  figures: Figures;
}

/** All calls of one function, and those that the ones that were looked at stand for: what their places share. */
export interface Tally {
  calls: number;
  seen: number;
}

export function newTally(): Tally {
  return { calls: 0, seen: 0 };
}

/** By which a place's figures are multiplied: each call was counted, and places are known of some. */
export function scaleOf({ calls, seen }: Tally): number {
  return seen > 0 ? calls / seen : 1;
}

export function reset(tallies: readonly Tally[]): void {
  for (let i = 0; i < tallies.length; i++) {
    tallies[i]!.calls = 0;
    tallies[i]!.seen = 0;
  }
}

/** Figures by the place that calls, for one in so many calls: a stack takes 10 to 30 µs. */
export class Places<Figures> {
  readonly #make: () => Figures;
  readonly #byKey = new NativeMap<string, PlaceOf<Figures>>();
  readonly sampling: Sampling = createSampling(1);

  constructor(make: () => Figures) {
    this.#make = make;
  }

  /** `share`: of the thread's time, for all that follows it. */
  setBudget(share: number): void {
    this.sampling.setBudget(share * BUDGET_PART * MS_PER_SECOND);
  }

  /** The place that called the wrapper; null if that is none of the program's, or there is no room. */
  here(sort: string, wrapper: Wrapper): PlaceOf<Figures> | null {
    const frames = currentFrames(wrapper)
      .filter((frame) => !isNodes(frame))
      .slice(0, MAX_KEPT);
    if (frames.length === 0) return null;
    let key = sort;
    for (const [, url, line, column] of frames) key += ` ${url}:${line}:${column}`;
    const known = this.#byKey.get(key);
    if (known) return known;
    if (this.#byKey.size >= MAX_PLACES) return null;
    const place = { frames, figures: this.#make() };
    this.#byKey.set(key, place);
    return place;
  }

  /** All places, with new figures from now on. */
  take(): PlaceOf<Figures>[] {
    const all: PlaceOf<Figures>[] = [];
    for (const place of this.#byKey.values()) {
      all[all.length] = { ...place };
      place.figures = this.#make();
    }
    return all;
  }
}
