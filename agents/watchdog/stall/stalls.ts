import { CONFIDENCE } from '../../../src/detectors/confidence.ts';
import { ownMs } from '../../../src/detectors/stalls.ts';
import type { ChainKind, Frame, StallKind, StallOpenRow, StallRow } from '../../../src/recording/types.ts';
import type { DelayHistogram } from '../../samplers/types.ts';
import {
  HEARTBEAT_MS,
  type InterruptedStack,
  OWN_WORK,
  type RawFrame,
  type SharedMemory,
  Sum,
  Word,
} from '../../shared-memory.ts';
import type { LoadedMaps } from '../loaded-maps.ts';
import type { StackCapture } from '../platform/stack-capture.ts';
import type { ThreadCpu } from '../platform/thread-cpu.ts';
import { linesOf } from '../source-text.ts';
import { createBeatClock } from './beat-clock.ts';
import { readRecentSite, readSite } from './call-site.ts';
import { createChainWitness } from './chains.ts';
import { classify, isLoading } from './classify.ts';
import type { LiveStall } from './live-log.ts';
import { callName, type MarkedCalls } from './marked-calls.ts';
import {
  behindNative,
  dominant,
  hardlyRan,
  isHost,
  isIdleWorker,
  isStarvedGc,
  mappedAgain,
  mergeSmallest,
  summarizeStacks,
  type Witness,
} from './stall-evidence.ts';
import { createStallTimes, type StallTimes, type StallTimesOptions } from './stall-times.ts';

/** Stacks are taken from this share of the threshold on, so that the place is known when the threshold is crossed. */
const CAPTURE_SHARE = 0.5;
/** Between stacks at first; later a tenth of the stall so far. */
const CAPTURE_STEP_MS = { least: 15, most: 500 };
const MAX_STACKS = 48;
/** A stall is told on the live log when it has lasted this long. */
const LIVE_MS = 500;
/** PerformanceObserver tells of collections one loop turn after the stall: the row waits for it. */
const SETTLE_MS = 40;
/** A module-loading stall later than this is no start-up any more. */
const STARTUP_MS = 10_000;
/** The same for a program that has no server yet. */
const LONGEST_STARTUP_MS = 60_000;
/** A stall that still lasts is the host's where the code ran for less of it. */
const HOST_SHARE = 0.2;
/** Of the time of a thread that is not held by a debugger. */
const RAN_SHARE = 0.8;
/** An answer that took longer came from a native call that could not be interrupted. */
const NATIVE_ANSWER_MS = 60;
/** If the thread ran for most of that; else it waited for a core. */
const COMPUTED_SHARE = 0.5;

export interface StallWatchOptions {
  shared: SharedMemory;
  histogram: DelayHistogram;
  slowMs: number;
  capture: StackCapture;
  marks: Pick<MarkedCalls, 'running' | 'index' | 'hasUnmarked'>;
  /** When the recording began, in ms of the machine's monotonic clock. */
  startMonotonicMs: number;
  toFrame(raw: RawFrame): Frame;
  maps: Pick<LoadedMaps, 'mapped' | 'isUnknown'>;
  /** Milliseconds since the recording began. */
  now(): number;
  /** Who has nothing to serve and waits in Atomics.wait is a worker of a pool between two jobs. */
  isWorker?: boolean;
  /** Clocks and state of the observed thread, as far as the platform tells. */
  thread: StallTimesOptions;
  /** Whether the thread has had a server yet. */
  hasServed(): boolean;
  /** When the thread cannot be asked: what it said last. */
  waiting(): number | null;
  onOpen(row: StallOpenRow): void;
  /** Once per stall, when it has lasted `LIVE_MS`. */
  onLive(stall: LiveStall): void;
  onClose(row: StallRow): void;
}

interface Question {
  atMs: number;
  cpu: ThreadCpu | null;
}

interface OpenStall {
  id: number;
  startMs: number;
  /** The heartbeat's count during the stall: a stack taken at another count is not of this stall. */
  count: number;
  stacks: Witness[];
  /** Time not yet explained by a stack, and which marked calls ran in it. */
  pendingMs: number;
  pendingKinds: Map<StallKind, number>;
  lastStackAt: number;
  stackCount: number;
  tellAtMs: number;
  /** It was told to be the host's: told again once it is not. */
  toldHost: boolean;
  live: boolean;
  loading: boolean;
  ownLateMs: number;
  /** Name of the marked call that ran last. */
  call: string | null;
  debugger: boolean;
  own: boolean;
  waiting: number | null;
  chain: ReturnType<typeof createChainWitness>;
}

interface EndedStall {
  stall: OpenStall;
  endMs: number;
  durationMs: number;
  times: StallTimes;
  gcAtStart: number;
  beforeFirstTurn: boolean;
}

/**
 * Finds stalls of the main thread from the heartbeat's silence, and explains them while they last.
 *
 * Idle in poll is never a stall: the heartbeat is a libuv timer that fires there too.
 */
export function createStallWatch(options: StallWatchOptions) {
  const { shared, histogram, slowMs, capture } = options;
  let lastCount = histogram.count;
  // The loop may have turned before this thread was up; if not, the silence began with the process.
  let started = lastCount > 0;
  let lastBeatAt = started ? options.now() : 0;
  let lastTickAt = lastBeatAt;
  const times = createStallTimes(options.thread);
  times.beat(lastBeatAt);
  let beatGcMs = 0;
  let longestSilenceMs = 0;
  /** How late this thread was at most since it noticed a beat, and up to then since the beat before. */
  let lateMs = 0;
  let lateBefore = 0;
  /** Of the delays since the histogram was reset, the longest that was looked at. */
  let longestTold = 0;
  let nextId = 1;
  let open: OpenStall | null = null;
  let closing: EndedStall[] = [];
  const clock = createBeatClock(histogram, HEARTBEAT_MS);

  const beginStall = (): OpenStall => ({
    id: nextId++,
    startMs: started ? clock.stop(lastBeatAt) : lastBeatAt,
    count: lastCount,
    stacks: [],
    pendingMs: 0,
    pendingKinds: new Map(),
    lastStackAt: lastBeatAt,
    stackCount: 0,
    tellAtMs: 0,
    toldHost: false,
    live: false,
    loading: true,
    ownLateMs: 0,
    call: null,
    debugger: false,
    own: false,
    waiting: null,
    chain: createChainWitness(),
  });

  const addStack = (
    stall: OpenStall,
    toFrames: () => Frame[],
    kind: StallKind | null,
    weightMs: number,
    { late = false, marked = false } = {},
  ): void => {
    const frames = toFrames();
    if (!frames.some(({ category }) => category === 'application' || category === 'dependency')) return;
    const judged = classify(frames, linesOf);
    stall.loading &&= isLoading(frames);
    const borrowed = judged.kind === 'js-cpu' && kind !== null;
    stall.stacks.push({
      weightMs,
      kind: borrowed ? kind : judged.kind,
      frames,
      location: judged.location,
      count: 1,
      marked: marked || borrowed,
      borrowed,
      late,
      toFrames,
    });
    if (stall.stacks.length > MAX_STACKS) mergeSmallest(stall.stacks);
  };

  const onAnswer = (stall: OpenStall, asked: Question, now: number, answer: InterruptedStack): void => {
    if (answer.count !== stall.count) return;
    stall.waiting ??= answer.waiting ?? null;
    const tookMs = (answer.atMs === undefined ? now : answer.atMs - options.startMonotonicMs) - asked.atMs;
    const late = tookMs > NATIVE_ANSWER_MS;
    let kind: StallKind | null = null;
    for (const [candidate, ms] of stall.pendingKinds) if (ms >= stall.pendingMs / 2) kind = candidate;
    const isBehind = kind === null && late && hasRun(asked, tookMs);
    const raw = isBehind ? behindNative(answer) : answer.frames;
    if (isBehind && options.marks.hasUnmarked()) kind = 'native-addon';
    stall.chain.add(answer, answer.frames.map(options.toFrame), options.thread.cpu()?.cpuMs ?? null);
    addStack(stall, () => raw.map(options.toFrame), kind, stall.pendingMs, { late });
    stall.pendingMs = 0;
    stall.pendingKinds.clear();
    stall.stackCount++;
    stall.lastStackAt = now;
  };

  /** Whoever computes answers within milliseconds of its CPU time. */
  const hasRun = ({ cpu }: Question, tookMs: number): boolean => {
    const ranMs = (options.thread.cpu()?.cpuMs ?? 0) - (cpu?.cpuMs ?? 0);
    return cpu !== null && ranMs > tookMs * COMPUTED_SHARE;
  };

  /** What the marked synchronous call says, if one is running: the only witness of a native call that blocks. */
  const readMark = (stall: OpenStall, elapsedMs: number): void => {
    const call = options.marks.running();
    if (!call) {
      stall.pendingMs += elapsedMs;
      return;
    }
    stall.call = callName(call).replace('child_process', 'childProcess');
    // Of what is called for each row, the call that runs had its site taken seldom; one of a moment ago stands for it.
    const raw = readSite(shared) ?? (call.kind === 'js-cpu' ? readRecentSite(shared, options.marks.index()) : null);
    if (raw) {
      const native = nativeFrame(`${stall.call}`);
      addStack(stall, () => [native, ...raw.map(options.toFrame)], call.kind, elapsedMs + stall.pendingMs, {
        marked: true,
      });
      stall.pendingMs = 0;
      stall.pendingKinds.clear();
    } else {
      stall.pendingMs += elapsedMs;
      stall.pendingKinds.set(call.kind, (stall.pendingKinds.get(call.kind) ?? 0) + elapsedMs);
    }
  };

  /**
   * The longest delay since the last look at it, where it is a stall; else 0. Where this thread itself had no core, a
   * stall comes and goes unseen, or is seen only at its end: the histogram has seen all of it.
   */
  const unseenMs = (): number => {
    const maxMs = histogram.max / 1e6;
    const isNew = maxMs > longestTold + 1;
    longestTold = Math.max(longestTold, maxMs);
    return isNew && maxMs >= slowMs ? maxMs : 0;
  };

  /** Measures the stall at its end; the row waits for the last answer and for word of collections. */
  const closeStall = (stall: OpenStall, now: number, leastMs: number): void => {
    const durationMs = Math.max(leastMs, clock.durationMs(now - stall.startMs));
    if (durationMs < slowMs) return;
    closing.push({
      stall,
      endMs: now,
      durationMs,
      times: times.measure(now, durationMs),
      gcAtStart: beatGcMs,
      beforeFirstTurn: !started,
    });
  };

  const isIdle = (
    stall: OpenStall,
    kind: StallKind | null,
    soFar: Pick<StallRow, 'durationMs' | 'cpuMs' | 'lockedMs'>,
  ): boolean => options.isWorker === true && isIdleWorker({ kind, waiting: waitingIn(stall), ...soFar });

  const waitingIn = (stall: OpenStall): number | null => stall.waiting ?? options.waiting();

  const toRow = (ended: EndedStall, gcMs: number): StallRow | null => {
    const { stall, endMs, durationMs, times } = ended;
    stall.stacks = stall.stacks.map(mappedAgain);
    const main = dominant(stall.stacks);
    // A package that loads its parts when it is first used, and nobody's line that made it: start-up as well.
    const isEarly = stall.startMs < STARTUP_MS;
    // Who does not serve yet still starts, however long it takes to connect to a database, or to get a core.
    const startsStill = main?.kind === 'module-load' && stall.startMs < LONGEST_STARTUP_MS && !options.hasServed();
    const loading =
      isEarly &&
      stall.stacks.length > 0 &&
      (stall.loading || stall.stacks.every(({ kind, frames }) => kind === 'module-load' && !frames.some(isOwnCode)));
    let kind = main?.kind ?? [...stall.pendingKinds.keys()][0] ?? (ended.beforeFirstTurn ? 'module-load' : 'js-cpu');
    if (gcMs >= durationMs / 2) kind = isStarvedGc(gcMs, times.cpuMs) ? 'host' : 'gc';
    // Unless it was told of while it lasted: then its end is as well.
    const isTold = stall.tellAtMs > 0;
    if (!isTold && isIdle(stall, main || stall.call ? kind : null, { durationMs, ...times })) return null;
    const unseen = stall.stacks.length === 0 && stall.call === null;
    const held = isHost({ kind, durationMs, gcMs, ...times }, stall.ownLateMs, slowMs);
    if (held || (unseen && hardlyRan(durationMs, times.cpuMs))) kind = 'host';
    return {
      t: endMs,
      type: 'stall',
      id: stall.id,
      startMs: endMs - durationMs,
      durationMs,
      kind,
      location: main?.location ?? null,
      stacks: summarizeStacks(stall.stacks),
      ...times,
      gcMs,
      startup: loading || startsStill || ended.beforeFirstTurn,
      debugger: stall.debugger,
      ...(stall.own && { own: true as const }),
      waiting: waitingIn(stall),
      ...chainOf(stall),
      confidence: main ? main.confidence : CONFIDENCE.unseen,
    };
  };

  const settle = (now: number): void => {
    for (const ended of closing) {
      if (now < ended.endMs + SETTLE_MS) continue;
      const gcMs = Math.min(ended.durationMs, shared.numbers[Sum.GcMs]! - ended.gcAtStart);
      options.maps.mapped(
        () => toRow(ended, gcMs),
        (row) => {
          if (row) options.onClose(row);
        },
      );
    }
    closing = closing.filter(({ endMs }) => now < endMs + SETTLE_MS);
    if (closing.length === 0 && !open) capture.detach('stall');
  };

  const beat = (now: number, count: number): void => {
    const stall = open;
    open = null;
    longestSilenceMs = Math.max(longestSilenceMs, now - lastBeatAt);
    if (stall) {
      Atomics.store(shared.control, Word.SiteWanted, 0);
      closeStall(stall, now, unseenMs());
      if (closing.length === 0) capture.detach('stall');
    } else if (started && Math.max(lateMs, lateBefore) >= slowMs * CAPTURE_SHARE) {
      const ms = unseenMs();
      if (ms > 0) closeStall({ ...beginStall(), startMs: now - ms, ownLateMs: lateMs }, now, ms);
    }
    lateBefore = lateMs;
    lateMs = 0;
    started = true;
    lastCount = count;
    lastBeatAt = now;
    times.beat(now);
    beatGcMs = shared.numbers[Sum.GcMs]!;
  };

  const silence = (now: number, elapsedMs: number, tickMs: number): void => {
    const gap = now - lastBeatAt;
    const captureAfter = started ? slowMs * CAPTURE_SHARE : slowMs;
    if (gap < captureAfter) return;
    if (!open) {
      open = beginStall();
      times.begin(gap);
      // The first look stands for the whole silence so far.
      readMark(open, gap);
    } else {
      open.ownLateMs += Math.max(0, elapsedMs - 3 * tickMs);
      times.look(elapsedMs);
      readMark(open, elapsedMs);
    }
    const stall = open;
    const held = Atomics.load(shared.control, Word.Debugger);
    stall.debugger ||= held !== 0;
    stall.own ||= held === OWN_WORK;
    const asked = { atMs: now, cpu: options.thread.cpu() };
    const step = Math.min(CAPTURE_STEP_MS.most, Math.max(CAPTURE_STEP_MS.least, gap / 10));
    if (mayAsk(stall, now, gap) && stall.stackCount < MAX_STACKS && now - stall.lastStackAt >= step) {
      capture.ask('stall', { waiting: stall.waiting === null, drains: true }, (answer) =>
        onAnswer(stall, asked, options.now(), answer),
      );
    }
    Atomics.store(shared.control, Word.SiteWanted, 1);
    tell(stall, now, gap);
  };

  /** So far: what it is, unless the host holds the thread up; null for no stall at all. */
  const knownOf = (stall: OpenStall, now: number, gap: number): Pick<StallOpenRow, 'kind' | 'location'> | null => {
    const main = dominant(stall.stacks);
    const kind = main?.kind ?? [...stall.pendingKinds.keys()][0] ?? null;
    const soFar = { kind: kind ?? 'js-cpu', durationMs: gap, gcMs: 0, ...times.measure(now, gap) };
    if (isIdle(stall, kind, soFar)) return null;
    // Just beyond the threshold any wait leaves less than it: what lasts on may well be the code's.
    const hardlyRuns = ownMs(soFar) < gap * HOST_SHARE;
    if (hardlyRuns && isHost(soFar, stall.ownLateMs, slowMs)) return { kind: 'host', location: null };
    return { kind: main?.kind ?? null, location: main?.location ?? null };
  };

  /** Who stands still while a debugger is attached may be at a breakpoint; who has run is not. */
  const mayAsk = (stall: OpenStall, now: number, gap: number): boolean => {
    if (!stall.debugger) return true;
    const { cpuMs, runQueueMs } = times.measure(now, gap);
    return !stall.own && (cpuMs ?? 0) + (runQueueMs ?? 0) >= gap * RAN_SHARE;
  };

  const tell = (stall: OpenStall, now: number, gap: number): void => {
    const isDue = gap >= stall.tellAtMs || stall.toldHost || (!stall.live && started && gap >= LIVE_MS);
    if (gap < slowMs || stall.debugger || !isDue) return;
    const known = knownOf(stall, now, gap);
    // Who was told of at work is told to wait.
    if (!known && stall.tellAtMs === 0) return;
    const { kind, location } = known ?? { kind: 'sync-sleep' as const, location: null };
    const unmapped = location !== null && options.maps.isUnknown(location.file);
    // Told again whenever it has doubled, so that a recording cut off mid-stall knows how long it was.
    const isDoubled = gap >= stall.tellAtMs;
    if (isDoubled || (stall.toldHost && kind !== 'host')) {
      stall.toldHost = kind === 'host';
      if (isDoubled) stall.tellAtMs = gap * 2;
      options.onOpen({
        t: now,
        type: 'stall-open',
        id: stall.id,
        startMs: stall.startMs,
        durationMs: gap,
        kind,
        // Rather none than the line of what a loader made of the file.
        location: unmapped ? null : location,
        ...chainOf(stall),
        waiting: waitingIn(stall),
      });
    }
    // Without a place yet, one more moment: the first answer may be on its way.
    if (!known || kind === 'host' || stall.live || !started || gap < LIVE_MS) return;
    if (location || gap >= LIVE_MS + 100) {
      stall.live = true;
      const waiting = waitingIn(stall) ?? 0;
      options.onLive({ durationMs: gap, kind, location, unmapped, call: stall.call, waiting, ...chainOf(stall) });
    }
  };

  return {
    /** To be called every `tickMs`. */
    tick(now: number, tickMs: number): void {
      const elapsedMs = now - lastTickAt;
      lastTickAt = now;
      lateMs = Math.max(lateMs, elapsedMs - tickMs);
      const count = histogram.count;
      if (count !== lastCount) beat(now, count);
      else silence(now, elapsedMs, tickMs);
      if (closing.length > 0) settle(now);
    },
    isOpen: () => open !== null,
    /** Runs what resets the histogram. */
    acrossReset(reset: () => void): void {
      clock.sync(lastBeatAt);
      reset();
      longestTold = 0;
      clock.rebase();
      lastCount = histogram.count;
    },
    heartbeatMaxMs(): number {
      const longest = longestSilenceMs;
      longestSilenceMs = 0;
      return longest;
    },
    /** The process ends: a stall that still lasts ends with it. */
    finish(now: number): void {
      if (open) beat(now, lastCount);
      settle(Number.POSITIVE_INFINITY);
    },
  };
}

/** Absent where too few stacks were taken to tell. */
function chainOf({ chain }: OpenStall): { chain?: ChainKind | null } {
  const kind = chain.kind();
  return kind === undefined ? {} : { chain: kind };
}

function nativeFrame(name: string): Frame {
  return { function: name, file: '', line: 0, column: 0, category: 'native' };
}

function isOwnCode({ category }: Frame): boolean {
  return category === 'application';
}
