/** Reports a stall while it lasts: in the recording, and in the live log. */
import { ownMs } from '../../../src/detectors/stalls.ts';
import type { StallOpenRow } from '../../../src/recording/types.ts';
import { chainOf, isIdle, mostOf, type OpenStall, waitingIn } from './open-stall.ts';
import { isHost } from './stall-evidence.ts';
import type { StallTimes } from './stall-times.ts';
import type { StallWatchOptions } from './types.ts';

/** A stall is logged when it has lasted this long. */
const LIVE_MS = 500;
/** Without a place by then, wait a little: the first answer may be coming. */
const PLACE_MS = 100;
/** A stall that still lasts is the host's if the code ran for a smaller share of it. */
const HOST_SHARE = 0.2;

interface Moment {
  now: number;
  /** The stall so far, ms. */
  gap: number;
  /** False for a thread whose loop has not turned yet. */
  started: boolean;
  times(): StallTimes;
}

type Clocks = Pick<StallOpenRow, 'cpuMs' | 'runQueueMs' | 'sleptMs' | 'lockedMs'>;
type Known = Pick<StallOpenRow, 'kind' | 'location'> & Clocks;

/** To be called while the stall lasts, often. */
export function reportStall(options: StallWatchOptions, stall: OpenStall, moment: Moment): void {
  const { gap, started } = moment;
  const mayBeLive = !stall.live && started && gap >= LIVE_MS;
  const isDue = gap >= stall.reportAtMs || stall.reportedHost || mayBeLive;
  if (gap < options.slowMs || stall.debugger || !isDue) return;
  const known = knownOf(options, stall, moment);
  // A stall that was reported as work is now reported as waiting.
  if (!known && stall.reportAtMs === 0) return;
  const state = known ?? { kind: 'sync-sleep' as const, location: null };
  const unmapped = state.location !== null && options.maps.isUnknown(state.location.file);
  // Reported again whenever it has doubled, so that a recording cut off in the stall has its length.
  const isDoubled = gap >= stall.reportAtMs;
  if (isDoubled || (stall.reportedHost && state.kind !== 'host')) {
    stall.reportedHost = state.kind === 'host';
    if (isDoubled) stall.reportAtMs = gap * 2;
    // No place rather than a line of the code that a loader made from the file.
    options.onOpen(openRow(options, stall, moment, { ...state, location: unmapped ? null : state.location }));
  }
  if (!known || known.kind === 'host' || !mayBeLive) return;
  if (known.location || gap >= LIVE_MS + PLACE_MS) reportLive(options, stall, gap, { ...known, unmapped });
}

/** What it is so far, unless the host delays the thread; null if it is no stall. */
function knownOf(options: StallWatchOptions, stall: OpenStall, { gap, times }: Moment): Known | null {
  const main = mostOf(stall);
  const soFar = { kind: main.kind ?? ('js-cpu' as const), durationMs: gap, gcMs: 0, ...times() };
  if (isIdle(options, stall, { ...soFar, kind: main.kind })) return null;
  const clocks = clocksOf(soFar);
  // Just above the threshold any wait leaves less than it: a longer stall may well be the code's.
  const hardlyRuns = ownMs(soFar) < gap * HOST_SHARE;
  if (hardlyRuns && isHost(soFar, stall.ownLateMs, options.slowMs)) return { ...clocks, kind: 'host', location: null };
  return { ...clocks, kind: stall.stacks.length > 0 ? main.kind : null, location: main.location };
}

function clocksOf({ cpuMs, runQueueMs, sleptMs, lockedMs }: StallTimes): Clocks {
  return {
    cpuMs,
    runQueueMs,
    ...(sleptMs !== undefined && { sleptMs }),
    ...(lockedMs !== undefined && { lockedMs }),
  };
}

function openRow(options: StallWatchOptions, stall: OpenStall, { now, gap }: Moment, known: Known): StallOpenRow {
  return {
    t: now,
    type: 'stall-open',
    id: stall.id,
    startMs: stall.startMs,
    durationMs: gap,
    ...known,
    ...chainOf(stall),
    waiting: waitingIn(options, stall),
  };
}

function reportLive(
  options: StallWatchOptions,
  stall: OpenStall,
  gap: number,
  known: Known & { unmapped: boolean },
): void {
  stall.live = true;
  const waiting = waitingIn(options, stall) ?? 0;
  const { work } = stall.work.parts(null);
  options.onLive({ durationMs: gap, ...known, call: stall.call, waiting, ...chainOf(stall), ...(work && { work }) });
}
