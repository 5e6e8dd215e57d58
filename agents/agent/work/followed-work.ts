import type { WorkDuring } from '../../../src/protocol/thread-api.ts';
import type { Work, WorkKind, WorkRow } from '../../../src/recording/rows/work.ts';
import { attempt, guarded, isOff, type Sensor } from '../../guard.ts';
import { clearTimeout, max, monotonicMs, NativeMap, NativePromise, random, setTimeout } from '../../primordials.ts';
import type { SensorCost } from '../../tracked.ts';
import { Governor } from '../governor/governor.ts';
import { createUnitCosts } from '../governor/unit-costs.ts';
import { markOwn } from '../own-resources.ts';
import { followAnswers } from './answers.ts';
import { clockOffsetMs } from './clock-offset.ts';
import { carry, enterRequest, inProgress, isCarriedFree, runJob, stopCarrying, type WorkItem } from './current.ts';
import { createRoutes } from './routes.ts';
import { WorkTotals } from './totals.ts';

/** Of the budget, for whose work something is: the rest is for what is started, which would cost a busy thread twice the budget otherwise. */
const OF_BUDGET = 0.2;
/** After a stall: some thousand requests a second get a name, of a busy server one in some. */
const HINT_SHARE = 0.01;

/** A row each second at first, later one in five. */
const ROW_MS = { first: 900, later: 4900 } as const;
const FIRST_MS = 20_000;
/** The latest ones, whose names are asked for, and among which those are that waited. A power of two. */
const KEPT = 1024;
/** What arrived while the loop was blocked is handed over at the beginning of its next turn. */
const ARRIVED_MS = 5;
const FAILED_STATUS = 500;
const NAME_LIMIT = 120;
const KINDS = new NativeMap<unknown, WorkKind>([
  ['job', 'job'],
  ['message', 'message'],
]);

const startTimer = setTimeout;
const stopTimer = clearTimeout;

/** It had not ended when the stall did, or only its answer came within it, after most of the time. */
function hasWaited({ startMs, endMs }: WorkItem, from: number, to: number): boolean {
  if (startMs > to + ARRIVED_MS) return false;
  return endMs === 0 || endMs >= to - 1 || endMs - max(startMs, from) > (to - from) / 2;
}

/**
 * Follows requests from the call of the program to the end of the answer, and jobs that the program names: all of them
 * while a part of the budget is enough, else in windows.
 */
export class FollowedWork {
  readonly #sensor: Sensor;
  readonly #governor: Governor;
  readonly #costs = createUnitCosts();
  readonly #answers;
  readonly #nameOf = createRoutes();
  readonly #totals = new WorkTotals();
  readonly #kept: (WorkItem | undefined)[] = [];
  readonly #offsetMs = clockOffsetMs();
  readonly #onTimer: () => void;
  readonly #onFirst: () => void;
  readonly #startMs = monotonicMs();
  #timer: NodeJS.Timeout;
  #isOpen = true;
  #nextId = 1;
  #followed = { checked: 0, read: 0, elsewhere: 0 };
  /** Since the last row. */
  #openMs = 0;
  #openedMs = this.#startMs;
  #lastRowMs = this.#startMs;

  /** `onFirst`: called when the first request or job begins. */
  constructor(sensor: Sensor, share: number, onFirst: () => void) {
    this.#sensor = sensor;
    this.#onFirst = onFirst;
    this.#governor = new Governor(share * OF_BUDGET, { now: monotonicMs, random, hintShare: HINT_SHARE });
    this.#answers = followAnswers(
      {
        begin: (request, answer) => this.#beginRequest(request, answer),
        end: (item, status) => this.#endRequest(item, status),
      },
      sensor,
    );
    this.#onTimer = guarded(sensor, () => this.#step());
    this.#answers.listen();
    if (isCarriedFree()) carry();
    this.#timer = this.#startTimer(this.#governor.step(0).waitMs);
  }

  govern(share: number, ownShare: number): void {
    this.#governor.setShare(share * OF_BUDGET, ownShare);
  }

  /** There was a stall: the next one is to have a name. */
  hint(): void {
    if (this.#governor.hint() && !this.#isOpen) this.#step();
  }

  /** Runs what the program calls a job; the function is called in any case, once. */
  label<T>(kind: unknown, name: unknown, run: () => T): T {
    const item = this.#beginJob(kind, name);
    if (!item) return run();
    let result: T;
    try {
      result = runJob(item, run);
    } catch (error) {
      this.#endJob(item, true);
      throw error;
    }
    if (!(result instanceof NativePromise)) {
      this.#endJob(item, false);
      return result;
    }
    return result.then(
      (value) => {
        this.#endJob(item, false);
        return value;
      },
      (error: unknown) => {
        this.#endJob(item, true);
        throw error;
      },
    ) as T;
  }

  workOf(item: WorkItem): Work {
    return { kind: item.kind, name: item.name ?? this.#routeOf(item, 0) };
  }

  /** Whose work was in progress, and who had to wait; times of the machine's monotonic clock, in ms. */
  during(fromMs: number, toMs: number, ids: readonly number[]): WorkDuring {
    const from = fromMs - this.#offsetMs;
    const to = toMs - this.#offsetMs;
    const names: WorkDuring['names'] = [];
    const waited = new NativeMap<string, WorkDuring['waited'][number]>();
    for (const item of this.#kept) {
      if (!item) continue;
      if (ids.includes(item.id)) {
        names.push([item.id, this.workOf(item)]);
        continue;
      }
      if (item.kind !== 'request' || !hasWaited(item, from, to)) continue;
      const work = this.workOf(item);
      const known = waited.get(work.name);
      if (known) known.count++;
      else waited.set(work.name, { ...work, count: 1 });
    }
    return { names, waited: [...waited.values()] };
  }

  /** Null where it is not time for a row yet, or nothing was seen. */
  read(final: boolean): Omit<WorkRow, 't'> | null {
    const now = monotonicMs();
    const intervalMs = now - this.#lastRowMs;
    if (!final && intervalMs < (now - this.#startMs < FIRST_MS ? ROW_MS.first : ROW_MS.later)) return null;
    this.#endLeft();
    const openMs = this.#openMs + (this.#isOpen ? now - this.#openedMs : 0);
    this.#openMs = 0;
    this.#openedMs = now;
    this.#lastRowMs = now;
    const entries = this.#totals.read();
    if (entries.length === 0) return null;
    return { type: 'work', intervalMs, seenShare: intervalMs > 0 ? openMs / intervalMs : 1, entries };
  }

  /** What it cost since the last call, in ms. */
  spent(): number {
    const { elsewhere } = this.#followed;
    this.#followed.elsewhere = 0;
    return this.#costs.costMs('work-followed', elsewhere);
  }

  costs(): SensorCost[] {
    const { read: calls } = this.#followed;
    this.#followed.read = 0;
    return calls === 0 ? [] : [{ sensor: 'work-followed', calls, ms: this.#costs.costMs('work-followed', calls) }];
  }

  stop(): void {
    attempt(this.#sensor, () => stopTimer(this.#timer));
    attempt(this.#sensor, () => this.#answers.rest());
    attempt(this.#sensor, stopCarrying);
    enterRequest(null);
  }

  #startTimer(ms: number): NodeJS.Timeout {
    return markOwn(startTimer(this.#onTimer, ms).unref());
  }

  #step(): void {
    stopTimer(this.#timer);
    let waitMs = 1000;
    try {
      const plan = this.#governor.step(this.#costs.costMs('work-followed', this.#followed.checked));
      this.#followed.checked = 0;
      waitMs = plan.waitMs;
      if (plan.open !== this.#isOpen) this.#turn(plan.open);
    } finally {
      if (!isOff(this.#sensor)) this.#timer = this.#startTimer(waitMs);
    }
  }

  #turn(open: boolean): void {
    const now = monotonicMs();
    this.#isOpen = open;
    if (open) {
      this.#openedMs = now;
      this.#answers.listen();
      return;
    }
    this.#openMs += now - this.#openedMs;
    this.#answers.rest();
    enterRequest(null);
    // Their ends are not seen.
    for (const item of this.#kept) if (item?.kind === 'request' && item.endMs === 0) this.#forget(item, now);
    inProgress.requests = 0;
  }

  #begin(kind: WorkKind, name: string | null, request: object | null, answer: object | null): WorkItem {
    const followed = this.#followed;
    followed.checked++;
    followed.read++;
    followed.elsewhere++;
    if (this.#nextId === 1) this.#onFirst();
    const id = this.#nextId++;
    const item = { id, kind, startMs: monotonicMs(), endMs: 0, request, answer, pattern: null, name };
    const at = id % KEPT;
    const before = this.#kept[at];
    // Nobody looks for its end any more.
    if (before?.kind === 'request' && before.endMs === 0) this.#forget(before, item.startMs);
    this.#kept[at] = item;
    return item;
  }

  #beginRequest(request: object, answer: object): WorkItem {
    const item = this.#begin('request', null, request, answer);
    inProgress.requests++;
    enterRequest(item);
    return item;
  }

  #endRequest(item: WorkItem, status: number): void {
    const now = monotonicMs();
    const name = this.#routeOf(item, status);
    this.#totals.add('request', name, now - item.startMs, status >= FAILED_STATUS);
    this.#forget(item, now, name);
  }

  /** The client has gone. */
  #endLeft(): void {
    const now = monotonicMs();
    for (const item of this.#kept) {
      if (item?.kind !== 'request' || item.endMs !== 0) continue;
      if ((item.answer as { destroyed?: unknown } | null)?.destroyed !== true) continue;
      const name = this.#routeOf(item, 0);
      this.#totals.add('request', name, null, false);
      this.#forget(item, now, name);
    }
  }

  #forget(item: WorkItem, now: number, name = this.#routeOf(item, 0)): void {
    if (item.endMs === 0) inProgress.requests--;
    item.name = name;
    item.endMs = max(now, item.startMs, 1e-9);
    item.request = null;
    item.answer = null;
  }

  #routeOf({ request, pattern }: WorkItem, status: number): string {
    if (!request) return '(unknown)';
    try {
      return this.#nameOf(request, pattern, status);
    } catch {
      // A getter of the program.
      return '(unknown)';
    }
  }

  #beginJob(kind: unknown, name: unknown): WorkItem | null {
    try {
      if (isOff(this.#sensor) || typeof name !== 'string') return null;
      return this.#begin(KINDS.get(kind) ?? 'job', name.slice(0, NAME_LIMIT), null, null);
    } catch (error) {
      this.#sensor.caught = { error };
      return null;
    }
  }

  #endJob(item: WorkItem, failed: boolean): void {
    try {
      const now = monotonicMs();
      this.#totals.add(item.kind, item.name!, now - item.startMs, failed);
      item.endMs = max(now, item.startMs, 1e-9);
    } catch (error) {
      this.#sensor.caught = { error };
    }
  }
}
