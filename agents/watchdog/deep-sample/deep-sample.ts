import type { Depth, HookCounts, InterruptedStack } from '../../../src/protocol/thread-api.ts';
import type { ChainKind, Frame, Location, LookRow, LookStack, Suspicion } from '../../../src/recording/types.ts';
import type { RawFrame } from '../../shared-memory.ts';
import { callerOf, isOther } from '../stall/chains.ts';
import { placeOf } from '../stall/classify.ts';
import { type AllocationProfile, summarizeAllocations } from './allocations.ts';
import type { Loan } from './kept-objects.ts';
import { startSampling } from './start-sampling.ts';
import type { DeepSampleOptions } from './types.ts';

const LOOK_MS = 2000;
/**
 * Between stacks: random, so that no rhythm of the program is in step with it. Every other one is soon after the one
 * before: the two tell whether callbacks last that long.
 */
const STEP_MS = { soon: [3, 7], later: [20, 40] } as const;
/** Two stacks further apart than this are no such pair. */
const PAIR_MS = 10;
const IDLE_SHARE = 0.5;
/** The hooks stop themselves after 150 ms where anything happens; where nothing does, they are told to. */
const HOOKS_MS = 170;
/** Measuring a stack of 10 000 frames takes some 10 ms, so it is done so often per look. */
const MAX_DEPTHS = 5;
/** Mean bytes between sampled allocations: summing them up stops the thread for 5–15 ms, at 64 kB for 200 ms. */
const ALLOCATION_INTERVAL_BYTES = 1 << 20;
/** Kept of the look. */
const MAX_DISTINCT_STACKS = 400;
const MAX_STACKS = 40;
const MAX_FRAMES = 32;
const MAX_SITES = 8;

export interface DeepSample {
  finish(): void;
}

/** Looks at a thread for two seconds: stacks at random moments, what it creates, and on suspicion what it allocates. */
export function startDeepSample(
  options: DeepSampleOptions,
  { reasons, sampling }: { reasons: Suspicion[]; sampling: Loan | null },
  onEnd: (row: LookRow) => void,
): DeepSample {
  const { capture, now } = options;
  const startMs = now();
  const startCpu = options.observedThread();
  const stacks = createStackCounter(options.toFrame);
  let created: HookCounts | null = null;
  let intervals: RawFrame[][] = [];
  let waiting: number | null = null;
  let ended = false;
  let soon = false;

  if (sampling) {
    const params = {
      samplingInterval: ALLOCATION_INTERVAL_BYTES,
      includeObjectsCollectedByMajorGC: true,
      includeObjectsCollectedByMinorGC: true,
    };
    startSampling(capture, 'look', params, (started) => {
      if (!started) sampling.giveBack(true);
    });
  }
  capture.call('look', 'startHooks', []);
  setTimeout(() => {
    if (ended) return;
    capture.call('look', 'stopHooks', []);
    capture.call('look', 'shortIntervals', [], (sites) => {
      intervals = sites ?? [];
    });
  }, HOOKS_MS);

  const onAnswer = (answer: InterruptedStack): void => {
    stacks.add(answer, now());
    waiting = answer.waiting ?? waiting;
  };
  const step = (): void => {
    if (ended) return;
    if (now() - startMs >= LOOK_MS) {
      finishLook();
      return;
    }
    capture.ask('look', { waiting: waiting === null, depth: stacks.depths() < MAX_DEPTHS }, onAnswer);
    soon = !soon;
    const [least, most] = soon ? STEP_MS.soon : STEP_MS.later;
    setTimeout(step, least + Math.random() * (most - least));
  };
  const finishLook = (): void => {
    capture.call('look', 'hookCounts', [], (counts) => {
      created = counts;
      finishWithAllocations();
    });
    // A thread that does not answer any more must not keep the look open.
    setTimeout(() => finish(null), LOOK_MS);
  };
  const finishWithAllocations = (): void => {
    if (ended) return;
    // Somebody may have asked for samples of his own meanwhile.
    if (!sampling?.isMine()) {
      finish(null);
      return;
    }
    capture.post('look', 'HeapProfiler.stopSampling', {}, (result) => {
      finish((result as { profile?: AllocationProfile } | null)?.profile ?? null);
    });
  };
  const finish = (profile: AllocationProfile | null): void => {
    if (ended) return;
    ended = true;
    sampling?.giveBack(false);
    capture.detach('look');
    const cpu = options.observedThread();
    const t = now();
    const row = (): LookRow => ({
      t,
      type: 'look',
      reasons,
      startMs,
      durationMs: t - startMs,
      cpuMs: cpu && startCpu ? cpu.cpuMs - startCpu.cpuMs : null,
      runQueueMs: cpu && startCpu ? cpu.runQueueMs - startCpu.runQueueMs : null,
      ...stacks.summary(),
      created: created && summarizeCreated(created, options.toFrame),
      shortIntervals: intervals.map((frames) => placeOf(frames.map(options.toFrame))).filter((place) => place !== null),
      allocations: profile && summarizeAllocations(profile, options.toFrame),
      waiting,
    });
    options.mapped(row, onEnd);
  };
  step();
  return { finish: () => finish(null) };
}

type StackSummary = Pick<
  LookRow,
  'samples' | 'busySamples' | 'framelessSamples' | 'pairs' | 'turnedPairs' | 'pairMs' | 'stacks' | 'deepest'
>;

function createStackCounter(toFrame: (raw: RawFrame) => Frame) {
  const stacks = new Map<string, Omit<LookStack, 'frames'> & { frames: readonly RawFrame[] }>();
  let samples = 0;
  let busySamples = 0;
  let framelessSamples = 0;
  let pairs = 0;
  let turnedPairs = 0;
  let pairsMs = 0;
  let depths = 0;
  let deepest: Depth | null = null;
  let last: { answer: InterruptedStack; at: number } | null = null;

  const count = (answer: InterruptedStack, caller: ChainKind): void => {
    const key = caller + JSON.stringify(answer.frames);
    const seen = stacks.get(key);
    if (seen) seen.count++;
    else if (stacks.size < MAX_DISTINCT_STACKS) {
      stacks.set(key, { count: 1, frames: shorten(answer.frames), caller });
    }
  };
  return {
    add(answer: InterruptedStack, at: number): void {
      samples++;
      if (answer.depth) depths++;
      if (answer.depth && answer.depth.repeated > (deepest?.repeated ?? 0)) deepest = answer.depth;
      const caller = callerOf(answer, answer.frames.map(toFrame));
      const before = last;
      last = { answer, at };
      // Without a frame the loop may be idle, or between two microtasks: its clock of idle time tells.
      const gapMs = before ? at - before.at : 0;
      const idle = !before || answer.idleMs - before.answer.idleMs > gapMs * IDLE_SHARE;
      if (caller === null && idle) return;
      busySamples++;
      if (caller === null) framelessSamples++;
      else count(answer, caller);
      if (before && gapMs <= PAIR_MS && !idle) {
        pairs++;
        pairsMs += gapMs;
        if (isOther(answer, before.answer, caller)) turnedPairs++;
      }
    },
    depths: () => depths,
    summary: (): StackSummary => ({
      samples,
      busySamples,
      framelessSamples,
      pairs,
      turnedPairs,
      pairMs: pairs > 0 ? pairsMs / pairs : 0,
      stacks: [...stacks.values()]
        .sort((a, b) => b.count - a.count)
        .slice(0, MAX_STACKS)
        .map(({ frames, ...rest }) => ({ ...rest, frames: frames.map(toFrame) })),
      deepest: deepest && toDeepest(deepest, toFrame),
    }),
  };
}

/** The innermost and the outermost frames: what runs, and what called it. */
function shorten(frames: readonly RawFrame[]): readonly RawFrame[] {
  if (frames.length <= MAX_FRAMES) return frames;
  return [...frames.slice(0, MAX_FRAMES / 2), ...frames.slice(-MAX_FRAMES / 2)];
}

function toDeepest({ frames, repeated, frame }: Depth, toFrame: (raw: RawFrame) => Frame): LookRow['deepest'] {
  const { category: _category, awaits, ...location } = toFrame(frame);
  return { frames, repeated, location, awaits: awaits === true };
}

function summarizeCreated(counts: HookCounts, toFrame: (raw: RawFrame) => Frame): LookRow['created'] {
  const { wallMs, cpuMs, promises, resources } = counts;
  return {
    wallMs,
    cpuMs,
    promises,
    resources: resources
      .sort((a, b) => b.count - a.count)
      .map(({ type, count, sites }) => ({ type, count, sites: mergeSites(sites, toFrame) })),
  };
}

/** By the user's own line. */
function mergeSites(sites: { count: number; frames: RawFrame[] }[], toFrame: (raw: RawFrame) => Frame) {
  const merged = new Map<string, { count: number; location: Location | null }>();
  for (const { count, frames } of sites) {
    const location = placeOf(frames.map(toFrame));
    const key = `${location?.file}:${location?.line}`;
    const seen = merged.get(key);
    if (seen) seen.count += count;
    else merged.set(key, { count, location });
  }
  return [...merged.values()].sort((a, b) => b.count - a.count).slice(0, MAX_SITES);
}
