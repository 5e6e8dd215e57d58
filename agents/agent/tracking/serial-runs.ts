import { max, monotonicMs, NativeMap, NativeNumber } from '../../primordials.ts';
import type { RawFrame } from '../../shared-memory.ts';
import type { RawSerial } from '../../tracked.ts';
import { type Site, type Started, TASK_QUEUES } from './sites.ts';

/** Functions in memory, awaits of each, and of a run; those that do not fit are left out. */
const MAX_FUNCTIONS = 300;
const MAX_STEPS = 20;
/** Functions in a report, and how long one must have waited for it since the one before. */
const MAX_REPORTED = 20;
const LEAST_MS = 20;
/** A timer that is cleared before was a time-out, not a pause. */
const FIRED_SHARE = 0.9;

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
  /** Of the call that spent most time here. */
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
export interface Awaiting extends Started {
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
 * settles when the call has gone on: up to its next await, which is then the last one that was made.
 */
export class SerialRuns {
  readonly #functions = new NativeMap<string, SerialFunction>();
  #latest: Awaiting | null = null;
  #nextId = 1;

  /** Called for an await that waits; `frames`: the whole stack. */
  made(one: Awaiting, frames: readonly RawFrame[]): void {
    // One that begins within a call of another function has that below it.
    this.#latest = one.weight === 1 && isResumedOrFirst(frames) ? one : null;
  }

  /** The call that awaited has gone on, or has ended. */
  wentOn(one: Awaiting): void {
    const next = this.#latest;
    this.#latest = null;
    const { run } = one;
    const goesOn = next !== null && next !== one && next.startMs >= one.startMs && isSame(next.site, one.site);
    if (goesOn) {
      const same = run ?? this.#begin(one.site);
      if (!same) return;
      next.run = same;
      count(same, one);
    } else if (run) {
      one.run = null;
      run.of.active--;
      count(run, one);
    }
  }

  /** Nothing is followed from now on. */
  pause(): void {
    this.#latest = null;
    for (const one of this.#functions.values()) one.active = 0;
  }

  /** Those that waited most since the last call. */
  read(sites: readonly Site[]): RawSerial[] {
    const waited = [...this.#functions.values()]
      .filter(({ ms, reportedMs }) => ms - reportedMs >= LEAST_MS)
      .sort((a, b) => b.ms - b.reportedMs - (a.ms - a.reportedMs))
      .slice(0, MAX_REPORTED);
    if (waited.length === 0) return [];
    const timers = sites.filter(({ what, type }) => what === 'handle' && type === 'Timeout');
    return waited.map((one) => {
      one.reportedMs = one.ms;
      const { id, runs, atOnce, frames } = one;
      const steps = [...one.steps.values()].map(({ frame, count: times, ms, longest }) => ({
        ...{ frame, count: times, waitedMs: ms, pauses: pausesAt(frame, timers) },
        longest: { count: longest.count, waitedMs: longest.ms, maxMs: longest.maxMs },
      }));
      return { id, runs, atOnce, frames, steps };
    });
  }

  #begin(site: Site): Run | null {
    const [frame] = site.frames;
    if (!frame) return null;
    const key = `${frame[1]} ${frame[0]} ${frame[5] ?? ''}`;
    let of = this.#functions.get(key);
    if (!of) {
      if (this.#functions.size >= MAX_FUNCTIONS) return null;
      of = {
        ...{ id: this.#nextId++, frames: site.frames, runs: 0, active: 0, atOnce: 0, ms: 0, reportedMs: 0 },
        steps: new NativeMap(),
      };
      this.#functions.set(key, of);
    }
    of.runs++;
    of.active++;
    of.atOnce = max(of.atOnce, of.active);
    return { of, steps: new NativeMap() };
  }
}

/** Another function may have the same name: two that are not named are told apart by where they begin. */
function isSame(a: Site, b: Site): boolean {
  const [one, other] = [a.frames[0], b.frames[0]];
  if (!one || !other) return false;
  return one[1] === other[1] && one[0] === other[0] && one[5] === other[5];
}

/** Nothing but what awaits is below: either it was suspended before, or Node calls it. */
function isResumedOrFirst(frames: readonly RawFrame[]): boolean {
  for (let i = 1; i < frames.length; i++) {
    const [, url, , , awaits] = frames[i]!;
    if (awaits !== 1 && url !== TASK_QUEUES) return false;
  }
  return true;
}

function count(run: Run, { site, startMs }: Awaiting): void {
  const ms = monotonicMs() - startMs;
  const step = stepOf(run.of, site.frames[0]!);
  if (!step) return;
  run.of.ms += ms;
  step.count++;
  step.ms += ms;
  const own = run.steps.get(step) ?? { count: 0, ms: 0, maxMs: 0 };
  run.steps.set(step, own);
  own.count++;
  own.ms += ms;
  own.maxMs = max(own.maxMs, ms);
  if (own.ms > step.longest.ms || step.longest === own) step.longest = own;
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

/** Timers that were started below this line and ran to their end: what waits for one waits on purpose. */
function pausesAt([, url, line]: RawFrame, timers: readonly Site[]): number {
  let fired = 0;
  for (const { frames, detail, ended, position } of timers) {
    const ms = NativeNumber.parseFloat(detail);
    if ((position.durations.maxMs ?? 0) < ms * FIRED_SHARE) continue;
    if (frames.some((frame) => frame[1] === url && frame[2] === line)) fired += ended;
  }
  return fired;
}
