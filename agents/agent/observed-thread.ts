import type { ThreadApi } from '../../src/protocol/thread-api.ts';
import { attempt, createSensor, guarded } from '../guard.ts';
import { createDebuggerUrl } from '../inspection.ts';
import {
  clearInterval,
  clearTimeout,
  min,
  monotonicMs,
  process,
  round,
  setImmediate,
  setInterval,
  setTimeout,
  store,
  toJson,
} from '../primordials.ts';
import type { DelayHistogram, Sample } from '../samplers/types.ts';
import { BUDGET_UNIT, createSharedMemory, type SharedMemory, Sum, Word } from '../shared-memory.ts';
import type { ThreadGate } from '../thread-gate.ts';
import type { RawTracked } from '../tracked.ts';
import type { SampleMessage } from '../watchdog/types.ts';
import { followFailedConnections } from './failed-connections.ts';
import { addFailures } from './failure-rows.ts';
import { createLoopFigures } from './governor/loop-figures.ts';
import { undoAll } from './leaving.ts';
import { createLoadedMaps } from './loaded-maps.ts';
import { createLookingBack } from './looking-back.ts';
import type { NodeInternals } from './node-internals.ts';
import { HOOKS_INTERFERE } from './own-hooks.ts';
import { markOwn } from './own-resources.ts';
import { watchProgramHooks } from './program-hooks.ts';
import { publish } from './published-api.ts';
import { createSamplerSet, samplerContext } from './sampler-set.ts';
import { watchShortIntervals } from './short-intervals.ts';
import { markSyncCalls } from './sync-calls.ts';
import { followTerminations } from './terminations.ts';
import { keepTickShape } from './tick-shape.ts';
import { keepRoomForTimers } from './timer-room.ts';
import { createTraceApi } from './tracing/trace-api.ts';
import { createTracking } from './tracking/tracking.ts';
import { Transfers } from './transfers/transfers.ts';
import { renewVeil } from './unseen-listeners.ts';
import { Work } from './work/work.ts';

/** Loaded with the first deep sample: it asks for hooks only then. */
const loadHooks = () => require('./hooks.ts') as typeof import('./hooks.ts');

/** How often the samplers of an observed thread are read. */
const SAMPLE_INTERVAL_MS = 1000;
/** The first reading of a new thread: a stall in its first second must be judged too. */
const FIRST_SAMPLE_MS = 100;

/** From this share of the thread's time on, what is started is followed from the beginning; below, once it is known what the thread lives from. */
const FOLLOWED_AT_ONCE = 0.01;
/** Start-up is not typical: what a thread lives from is known from its third reading on, after two seconds. */
const TYPICAL_READINGS = 3;
/** Of the budget, what the rest of the agent takes away at most from following. */
const ELSEWHERE_SHARE = 0.75;
/** A stack that took longer had to wait for a core. */
const STACK_MS = 0.5;
/** The inspector takes as much for the question and the answer as we take in between. */
const WITH_INSPECTOR = 2;

const [startTimer, stopTimer] = [setInterval, clearInterval];
const [startTimeout, stopTimeout] = [setTimeout, clearTimeout];
const laterOn = setImmediate;

export interface ObservedThreadOptions {
  /** The heartbeat. */
  histogram: DelayHistogram;
  /** The level at first. */
  diagnose: boolean;
  /** Of the thread's time, for following it; at first. */
  budgetShare: number;
  /** Whether collections are counted by kind and duration, for metrics. */
  gcByKind?: boolean;
  followsOrigins: boolean; // EVDIAG_WHY
  gate: ThreadGate | null;
  internals: NodeInternals | null;
  /** Sends to the watchdog; when it returns false, all of it stops. */
  post(message: SampleMessage): boolean;
  /** The agent has left the thread, but for what whoever made this object put there. */
  left(): void;
  complain(message: string): void;
}

/**
 * What runs in an observed thread, main or worker: samplers, marks of synchronous calls, and the API through
 * which the watchdog asks.
 */
export class ObservedThread {
  readonly shared: SharedMemory = createSharedMemory();
  /** The last message of the thread: what it leaves unfinished. */
  readonly atExit: (isUnsettled?: boolean) => void;
  readonly #options: ObservedThreadOptions;
  readonly #debuggerUrl = createDebuggerUrl();
  readonly #samplers: ReturnType<typeof createSamplerSet>;
  readonly #work: Work;
  readonly #transfers: Transfers;
  readonly #tracking = createTracking(
    (isFollowed) => this.#work.onPromisesFollowed(isFollowed),
    (item) => this.#work.nameOf(item) ?? null,
  );
  readonly #loadedMaps = createLoadedMaps((maps) => this.#post({ maps }));
  #hooks: ReturnType<typeof import('./hooks.ts').createHooks> | null = null;
  readonly #lookingBack = createLookingBack({
    control: this.shared.control,
    unfinished: () => this.#unfinished(),
    post: (part) => this.#post(part),
  });
  readonly #following = createSensor('following the level', true);
  readonly #figures = createLoopFigures();
  #readings = 0;
  /** Of the time, what is the thread's own: the budget is a share of that. */
  #ownShare = 1;
  #last = { ms: monotonicMs(), stacks: 0, stackMs: 0 };
  readonly #timer: NodeJS.Timeout;
  readonly #firstTimer: NodeJS.Timeout;
  readonly #endTrace: () => void;
  #hasLeft = false;
  #ownMs = 0;
  /** Other hooks would disturb those of a capture. */
  #capturing = false;
  /** The last deep sample had no hooks of its own. */
  #withoutHooks = false;

  constructor(options: ObservedThreadOptions) {
    const begin = monotonicMs();
    const { shared } = this;
    const { histogram, diagnose, budgetShare, gate, internals, complain } = options;
    this.#options = options;
    shared.control[Word.Diagnose] = diagnose ? 1 : 0;
    shared.control[Word.Budget] = round(budgetShare / BUDGET_UNIT);
    this.#noteDebugger();
    this.#work = new Work(internals, () => {
      shared.control[Word.Work] = 1;
      if (this.#tracking.isFollowingPromises()) this.#work.onPromisesFollowed(true);
    });
    this.#samplers = createSamplerSet(samplerContext(shared, histogram, options.gcByKind), complain);
    this.#transfers = new Transfers(internals);
    this.#follow(false);
    const markLoaded = markSyncCalls(shared, gate, internals, (addOnCalls) => this.#post({ addOnCalls }));
    const endWorkers = gate && followTerminations(gate);
    const mark = guarded(createSensor('the marks of what was loaded'), markLoaded);
    const sampling = createSensor('sampling', true);
    const sample = guarded(sampling, () => this.#sample(mark));
    this.#timer = markOwn(startTimer(sample, SAMPLE_INTERVAL_MS).unref());
    this.#firstTimer = markOwn(startTimeout(sample, FIRST_SAMPLE_MS).unref());
    watchShortIntervals();
    watchProgramHooks();
    keepRoomForTimers();
    keepTickShape(internals);
    const api = this.#api();
    this.#endTrace = api.endTrace;
    publish(shared, histogram, begin, this.#tracking, this.#work, api, options.followsOrigins);
    this.atExit = guarded(sampling, (isUnsettled: boolean) => this.#leave(isUnsettled, endWorkers));
  }

  /** At the next turn of the loop: where the stack is empty, and no hook runs. */
  readonly leave = guarded(createSensor('leaving', true), () => {
    laterOn(guarded(createSensor('leaving', true), () => this.#goAway())).unref();
  });

  #goAway(): void {
    if (this.#hasLeft) return;
    this.#hasLeft = true;
    stopTimer(this.#timer);
    stopTimeout(this.#firstTimer);
    this.#endTrace();
    this.#hooks?.stopHooks();
    this.#samplers.stop();
    this.#tracking.follow(null);
    this.#work.stop();
    // Hooks that are to go between two microtasks are gone by then; and so is a capture, which takes two turns.
    const finish = guarded(createSensor('leaving', true), () => {
      undoAll();
      this.#options.left();
    });
    laterOn(() => laterOn(finish));
  }

  #post(part: Partial<SampleMessage>): void {
    this.#options.post({ rows: [], tracked: null, mainThreadMs: 0, ...part });
  }

  #noteDebugger(): void {
    store(this.shared.control, Word.Debugger, this.#debuggerUrl() ? 1 : 0);
  }

  /** Starts and stops what level and budget ask for; `mayBegin`: the thread does not live from awaits alone. */
  #follow(mayBegin: boolean): void {
    const { control } = this.shared;
    const share = control[Word.Budget]! * BUDGET_UNIT;
    this.#samplers.follow(control[Word.Diagnose] === 1);
    this.#work.follow(share, this.#ownShare);
    const hint = control[Word.Track] === 1 || this.#work.wantsPromises();
    this.#tracking.follow(
      this.#capturing
        ? null
        : { share, ownShare: this.#ownShare, hint, mayBegin: mayBegin || share >= FOLLOWED_AT_ONCE },
    );
  }

  /** What else the agent took of this thread, since the last report. */
  #tellSpent(): void {
    const { control, numbers } = this.shared;
    const [ms, stacks, stackMs] = [monotonicMs(), control[Word.StackCount]!, numbers[Sum.StackMs]!];
    const last = this.#last;
    const ofStacks = min(stackMs - last.stackMs, (stacks - last.stacks) * STACK_MS);
    const most = (ms - last.ms) * control[Word.Budget]! * BUDGET_UNIT * this.#ownShare * ELSEWHERE_SHARE;
    this.#tracking.spentElsewhere(
      min(most, ofStacks * WITH_INSPECTOR + min(STACK_MS, this.#ownMs) + this.#work.spent() + this.#transfers.spent()),
    );
    this.#last = { ms, stacks, stackMs };
  }

  #sample(mark: () => void): void {
    if (this.#hasLeft) return;
    const from = monotonicMs();
    mark();
    renewVeil(process);
    followFailedConnections();
    this.#noteDebugger();
    attempt(this.#following, () => {
      this.#tellSpent();
      const { seldomTurns, ownShare } = this.#figures();
      this.#ownShare = ownShare;
      this.#follow(++this.#readings >= TYPICAL_READINGS && !seldomTurns);
      this.#transfers.follow(this.shared.control[Word.Budget]! * BUDGET_UNIT);
    });
    const part = this.#unfinished(false, this.#samplers.read());
    const sensors = [...this.#tracking.costs(), ...this.#work.costs()];
    if (!this.#options.post({ ...part, sensors, mainThreadMs: this.#ownMs })) {
      stopTimer(this.#timer);
      this.#samplers.stop();
      this.#tracking.follow(null);
      this.#work.stop();
    }
    this.#ownMs = monotonicMs() - from;
  }

  #readTracked(final: boolean): RawTracked | null {
    try {
      return this.#tracking.read(final);
    } catch (error) {
      // No failure may end the timer.
      this.#tracking.sensor.caught = { error };
      return null;
    }
  }

  #api(): Pick<
    ThreadApi,
    'startHooks' | 'stopHooks' | 'hookCounts' | 'lookBack' | 'beginTrace' | 'endTrace' | 'wantMaps' | 'leave'
  > {
    const traceApi = createTraceApi({
      post: (trace) => this.#post({ trace }),
      onCapturing: (now) => {
        this.#capturing = now && HOOKS_INTERFERE;
        if (this.#capturing) this.#hooks?.stopHooks();
        this.#follow(true);
      },
    });
    return {
      ...traceApi,
      wantMaps: this.#loadedMaps.wantMaps,
      lookBack: (heap) => {
        this.#lookingBack.lookBack(heap);
        return toJson({ asked: true });
      },
      leave: () => this.leave(),
      startHooks: (tapOnly) => {
        this.#withoutHooks = this.#capturing;
        this.#hooks ??= loadHooks().createHooks(this.#tracking.tap);
        if (!this.#capturing) this.#hooks.startHooks(tapOnly);
      },
      stopHooks: () => this.#hooks?.stopHooks(),
      hookCounts: () => toJson(this.#withoutHooks || !this.#hooks ? null : this.#hooks.counts()),
    };
  }

  #leave(isUnsettled: boolean, endWorkers: (() => void) | null): void {
    endWorkers?.();
    this.#loadedMaps.atExit();
    this.#lookingBack.atExit(isUnsettled === true);
    const last = this.#unfinished();
    if (last.tracked || last.transfers || last.rows.length > 0) this.#post(last);
  }

  #unfinished(final = true, read: Sample[] = []): Pick<SampleMessage, 'rows' | 'tracked' | 'transfers'> {
    const rows = this.#work.read(final);
    for (let i = 0; i < read.length; i++) rows[rows.length] = read[i]!;
    addFailures(rows);
    return { rows, tracked: this.#readTracked(final), ...this.#transfers.read() };
  }
}
