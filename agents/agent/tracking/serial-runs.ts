import { max, monotonicMs, NativeMap } from '../../primordials.ts';
import type { RawFrame } from '../../shared-memory.ts';
import type { RawSerial } from '../../tracked.ts';
import { pausesBelow } from './pauses.ts';
import type { Site } from './sites.ts';

/** Functions in memory, awaits of each, and of a run; those that do not fit are left out. */
const MAX_FUNCTIONS = 300;
const MAX_STEPS = 20;
/** Functions in a report, and how long one must have waited for it since the one before. */
const MAX_REPORTED = 20;
const LEAST_MS = 20;

/** One await of one call of a function, again and again where it is in a loop. */
interface OwnStep {
  count: number;
  ms: number;
  maxMs: number;
}

/** One position at which a function awaits, over all its calls. */
interface Step {
  frame: RawFrame;
  count: number;
  ms: number;
  /** Of the call of which most time could be saved here. */
  longest: OwnStep;
}

interface SerialFunction {
  id: number;
  frames: RawFrame[];
  runs: number;
  /** Calls that are between two awaits now, and the most at once. */
  active: number;
  atOnce: number;
  ms: number;
  reportedMs: number;
  steps: Map<string, Step>;
}

/** A call that awaits. */
export interface Awaiting {
  /** Its stack; null as long as that is not known. */
  site: { frames: RawFrame[] } | null;
  /** Where V8 has it while the call waits: the await. In a stack, it is what is awaited. */
  at: RawFrame | null;
  startMs: number;
  /** How many it stands for: more than one where a sample is taken. */
  weight: number;
  /** If it has awaited before. */
  run: Run | null;
}

/** One call of a function, from its second await on. */
export interface Run {
  of: SerialFunction;
  steps: Map<Step, OwnStep>;
}

/**
 * Which awaits one call of a function goes through, one after another, and how long each takes. The promise that V8 makes for an await
 * settles when the call has gone on: up to its next await, for which it made another one just before.
 */
export class SerialRuns {
  readonly #functions = new NativeMap<string, SerialFunction>();
  #nextId = 1;

  /** The call that awaited has gone on to its next await, or has ended: then `next` is null. */
  wentOn(one: Awaiting, next: Awaiting | null): void {
    const { run } = one;
    if (next) {
      const same = run ?? this.#begin(one);
      if (!same) return;
      next.run = same;
      count(same, one);
    } else if (run) {
      one.run = null;
      run.of.active = max(0, run.of.active - 1);
      count(run, one);
    }
  }

  /** Nothing is followed from now on. */
  pause(): void {
    for (const one of this.#functions.values()) one.active = 0;
  }

  /** Those that waited most since the last call. */
  read(sites: readonly Site[]): RawSerial[] {
    const waited = [...this.#functions.values()]
      .filter(({ ms, reportedMs }) => ms - reportedMs >= LEAST_MS)
      .sort((a, b) => b.ms - b.reportedMs - (a.ms - a.reportedMs))
      .slice(0, MAX_REPORTED);
    if (waited.length === 0) return [];
    const lines = waited.flatMap((one) => [...one.steps.values()].map(({ frame }) => frame));
    const pausesAt = pausesBelow(lines, sites);
    return waited.map((one) => {
      one.reportedMs = one.ms;
      const { id, runs, atOnce, frames } = one;
      const steps = [...one.steps.values()].map(({ frame, count: times, ms, longest }) => ({
        ...{ frame, count: times, waitedMs: ms, pauses: pausesAt(frame, times) },
        longest: { count: longest.count, waitedMs: longest.ms, maxMs: longest.maxMs },
      }));
      return { id, runs, atOnce, frames, steps };
    });
  }

  #begin({ site, weight }: Awaiting): Run | null {
    const frame = site?.frames[0];
    if (!frame) return null;
    const key = `${frame[1]} ${frame[0]} ${frame[5] ?? ''}`;
    let of = this.#functions.get(key);
    if (!of) {
      if (this.#functions.size >= MAX_FUNCTIONS) return null;
      of = {
        ...{ id: this.#nextId++, frames: site!.frames, runs: 0, active: 0, atOnce: 0, ms: 0, reportedMs: 0 },
        steps: new NativeMap(),
      };
      this.#functions.set(key, of);
    }
    of.runs++;
    of.active++;
    // Of those that the sample passed over, some may be under way as well.
    of.atOnce = max(of.atOnce, weight > 1 ? of.active + 1 : of.active);
    return { of, steps: new NativeMap() };
  }
}

function count(run: Run, { site, at, startMs }: Awaiting): void {
  const ms = monotonicMs() - startMs;
  const frame = at ?? site?.frames[0];
  const step = frame && stepOf(run.of, frame);
  if (!step) return;
  run.of.ms += ms;
  step.count++;
  step.ms += ms;
  const own = run.steps.get(step) ?? { count: 0, ms: 0, maxMs: 0 };
  run.steps.set(step, own);
  own.count++;
  own.ms += ms;
  own.maxMs = max(own.maxMs, ms);
  if (step.longest === own || isLonger(own, step.longest)) step.longest = own;
}

/** By what could be saved; a call of which only a part was seen may have waited as long for one thing. */
function isLonger(one: OwnStep, other: OwnStep): boolean {
  const [saved, before] = [one.ms - one.maxMs, other.ms - other.maxMs];
  return saved === before ? one.ms > other.ms : saved > before;
}

function stepOf({ steps }: SerialFunction, frame: RawFrame): Step | null {
  const key = `${frame[2]}:${frame[3]}`;
  let step = steps.get(key);
  if (!step) {
    if (steps.size >= MAX_STEPS) return null;
    step = { frame, count: 0, ms: 0, longest: { count: 0, ms: 0, maxMs: 0 } };
    steps.set(key, step);
  }
  return step;
}
