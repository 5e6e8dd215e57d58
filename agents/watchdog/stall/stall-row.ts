/** The row of a stall that is over. */
import { CONFIDENCE } from '../../../src/detectors/confidence.ts';
import type { WorkDuring } from '../../../src/protocol/thread-api.ts';
import type { Frame, StallKind, StallRow } from '../../../src/recording/types.ts';
import { chainOf, isIdle, type OpenStall, waitingIn } from './open-stall.ts';
import { dominant, hardlyRan, isHost, isLocked, isStarvedGc, mappedAgain, summarizeStacks } from './stall-evidence.ts';
import type { StallTimes } from './stall-times.ts';
import type { StallWatchOptions } from './types.ts';

/** A module-loading stall later than this is not start-up any more. */
const STARTUP_MS = 10_000;
/** The same for a program that has no server yet. */
const LONGEST_STARTUP_MS = 60_000;

export interface EndedStall {
  stall: OpenStall;
  endMs: number;
  durationMs: number;
  times: StallTimes;
  /** Time in collections so far when the stall began. */
  gcAtStart: number;
  beforeFirstTurn: boolean;
  /** What the thread said of it afterwards; undefined: it was not asked. */
  during?: WorkDuring | null;
  isAnswered?: boolean;
}

/** Null if it was no stall: an idle worker. */
export function stallRow(options: StallWatchOptions, ended: EndedStall, gcMs: number): StallRow | null {
  const { stall, endMs, durationMs, times } = ended;
  stall.stacks = stall.stacks.map(mappedAgain);
  const main = dominant(stall.stacks);
  const kind = causeOf(ended, main?.kind ?? null, gcMs);
  // Unless it was reported while it lasted: then its end is reported as well.
  const isReported = stall.reportAtMs > 0;
  const seen = main || stall.call ? kind : null;
  if (!isReported && isIdle(options, stall, { kind: seen, durationMs, ...times })) return null;
  return {
    t: endMs,
    type: 'stall',
    id: stall.id,
    startMs: endMs - durationMs,
    durationMs,
    kind: isHeldByHost(options, ended, kind, gcMs) ? 'host' : kind,
    location: main?.location ?? null,
    stacks: summarizeStacks(stall.stacks),
    ...times,
    gcMs,
    startup: isStartup(options, ended, main?.kind ?? null),
    debugger: stall.debugger,
    ...(stall.own && { own: true as const }),
    waiting: waitingIn(options, stall),
    ...chainOf(stall),
    ...stall.work.parts(ended.during ?? null),
    confidence: main ? main.confidence : CONFIDENCE.unseen,
  };
}

function causeOf({ stall, durationMs, times, beforeFirstTurn }: EndedStall, seen: StallKind | null, gcMs: number) {
  if (gcMs >= durationMs / 2) return isStarvedGc(gcMs, times.cpuMs) ? 'host' : 'gc';
  return seen ?? [...stall.pendingKinds.keys()][0] ?? (beforeFirstTurn ? 'module-load' : 'js-cpu');
}

function isHeldByHost(
  { slowMs, isWorker }: StallWatchOptions,
  { stall, durationMs, times }: EndedStall,
  kind: StallKind,
  gcMs: number,
): boolean {
  if (isHost({ kind, durationMs, gcMs, ...times }, stall.ownLateMs, slowMs)) return true;
  // No JavaScript waits for another thread, except in calls that are marked: what was on the stack did not cause it.
  if (isWorker !== true && stall.call === null && kind === 'js-cpu' && isLocked(durationMs, times)) return true;
  const isUnseen = stall.stacks.length === 0 && stall.call === null;
  return isUnseen && hardlyRan(durationMs, times.cpuMs);
}

function isStartup(options: StallWatchOptions, ended: EndedStall, kind: StallKind | null): boolean {
  const { stall, beforeFirstTurn } = ended;
  if (options.attached) return false;
  if (beforeFirstTurn) return true;
  // A program that does not serve yet is still starting, however long it takes to connect to a database, or to get a core.
  if (kind === 'module-load' && stall.startMs < LONGEST_STARTUP_MS && !options.hasServed()) return true;
  if (stall.startMs >= STARTUP_MS || stall.stacks.length === 0) return false;
  // A package that loads its parts on first use, without a line of the program that caused it: start-up as well.
  const isPackages = ({ kind: each, frames }: { kind: StallKind; frames: Frame[] }): boolean =>
    each === 'module-load' && !frames.some(({ category }) => category === 'application');
  return stall.loading || stall.stacks.every(isPackages);
}
