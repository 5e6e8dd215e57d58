/** What the stacks and clocks of a stall say, once it is over. Pure. */
import { confidenceOfStacks } from '../../../src/detectors/stack-confidence.ts';
import { isHeldUp, isIdleWait, type OwnShareOf } from '../../../src/detectors/stalls.ts';
import type { InterruptedStack } from '../../../src/protocol/thread-api.ts';
import { functionKey, NATIVE_CALL } from '../../../src/recording/places.ts';
import type { Frame, Location, StallKind, StallRow, StallStack } from '../../../src/recording/types.ts';
import type { RawFrame } from '../../shared-memory.ts';
import { linesOf } from '../source-text.ts';
import { classify } from './classify.ts';

/** A stack, and whether its kind was only borrowed from a mark: then its line may be the one after the call. */
export interface Witness extends StallStack {
  /** How many stacks it represents. */
  count: number;
  /** A call that is marked while it runs: no stack is needed to know its kind. */
  marked: boolean;
  borrowed: boolean;
  /** Answered so late that a native call must have run meanwhile: the line may be a later one. */
  late: boolean;
  /** Makes its frames again: maps of files that were changed while they were loaded come later. */
  toFrames(): Frame[];
}

/** With the maps that are known by now. */
export function mappedAgain(stack: Witness): Witness {
  const frames = stack.toFrames();
  const { kind, location } = classify(frames, linesOf);
  return {
    ...stack,
    frames,
    location,
    kind: stack.borrowed || (stack.marked && kind === 'js-cpu') ? stack.kind : kind,
  };
}

/**
 * A stack that was taken after a native call, as the stack of that call: the function that is entered then, or the built-in that runs then, did
 * not cause it. The calling line is known if the same function goes on.
 */
export function behindNative(
  { frames, entered }: Pick<InterruptedStack, 'frames' | 'entered'>,
  call = NATIVE_CALL,
): RawFrame[] {
  const callers = frames.slice(
    entered === 1
      ? 1
      : Math.max(
          0,
          frames.findIndex(([, url]) => url !== null),
        ),
  );
  return [[call, null, 0, 0], ...callers];
}

/** A kind that only stacks show needs this many of the same call: one among dozens of callbacks is chance. */
const MIN_STACKS = 2;
/** One is enough for these: everything below the loader is one call, and computation is what remains. */
const NEEDS_NONE: readonly StallKind[] = ['js-cpu', 'module-load'];
/** If this many stacks say otherwise, a mark that was seen once is chance as well: a late reading accounts for all time before it. */
const CONTRARY_STACKS = 3;

/** The kind and place that most of the time went to: by function first, then its busiest line. */
export function dominant(
  stacks: readonly Witness[],
): { kind: StallKind; location: Location | null; confidence: number } | null {
  const ofKind = heaviest(stacks, ({ kind }) => kind);
  if (!ofKind) return null;
  const [first] = ofKind.members;
  const others = stacks.filter(({ kind }) => kind !== first!.kind);
  const isSure = NEEDS_NONE.includes(first!.kind) || hasEvidence(ofKind.members, countOf(others));
  const kind = isSure ? first!.kind : 'js-cpu';
  // The time of a single stack may be chance, and gives no place if there are others.
  const members = isSure ? ofKind.members : countOf(others) >= CONTRARY_STACKS ? others : stacks;
  const byFunction = heaviest(members, ({ location }) => functionOf(location))!;
  const byLine = heaviest(ofLine(byFunction.members), ({ location }) => `${location?.line}`)!;
  const { location } = byLine.members[0]!;
  return { kind, location, confidence: confidenceOfStacks(stacks.map(asEvidence), { kind, location }) };
}

/** Those with the best line: of a call itself, or of any place except the head of the loop around it. */
function ofLine(members: readonly Witness[]): readonly Witness[] {
  const seen = members.filter(({ borrowed }) => !borrowed);
  if (seen.length > 0) return seen;
  const within = members.filter(({ location }) => !isLoopHead(location));
  return within.length > 0 ? within : members;
}

/** V8 checks for interrupts where a loop begins its next round, whatever it called meanwhile. */
function isLoopHead(location: Location | null): boolean {
  const text = location && linesOf(location.file)?.[location.line - 1];
  return typeof text === 'string' && /^(for|while|do)\b/.test(text.slice(location!.column - 1));
}

/** A stack after a marked call has its kind, not its line. */
function asEvidence({ borrowed, late, toFrames: _, ...stack }: Witness): StallStack {
  return { ...stack, late: late || borrowed };
}

function functionOf(location: Location | null): string {
  return location ? functionKey(location) : '';
}

function countOf(stacks: readonly Witness[]): number {
  return stacks.reduce((sum, { count }) => sum + count, 0);
}

/** Its mark, or several stacks of one call. */
function hasEvidence(members: readonly Witness[], contrary: number): boolean {
  const marks = countOf(members.filter(({ marked }) => marked));
  if (marks >= MIN_STACKS || (marks > 0 && contrary < CONTRARY_STACKS)) return true;
  const counts = new Map<string, number>();
  for (const { count, location } of members) {
    const line = `${functionOf(location)} ${location?.line}`;
    const sum = (counts.get(line) ?? 0) + count;
    if (sum >= MIN_STACKS) return true;
    counts.set(line, sum);
  }
  return false;
}

function heaviest(stacks: readonly Witness[], keyOf: (stack: Witness) => string) {
  const groups = new Map<string, { weightMs: number; members: Witness[] }>();
  for (const stack of stacks) {
    const key = keyOf(stack);
    const group = groups.get(key) ?? { weightMs: 0, members: [] };
    group.weightMs += stack.weightMs;
    group.members.push(stack);
    groups.set(key, group);
  }
  return [...groups.values()].sort((a, b) => b.weightMs - a.weightMs)[0];
}

/** Equal stacks together, the heaviest eight. */
export function summarizeStacks(stacks: readonly Witness[]): StallStack[] {
  const merged = new Map<string, StallStack>();
  for (const stack of stacks) {
    const key = stack.kind + stack.frames.map(({ file, line, function: name }) => `${file}:${line}:${name}`).join('|');
    const seen = merged.get(key);
    const { late, marked, ...row } = asEvidence(stack);
    if (seen) {
      seen.weightMs += stack.weightMs;
      seen.count = (seen.count ?? 0) + stack.count;
      if (marked) seen.marked = true;
      if (!late) delete seen.late;
    } else {
      merged.set(key, { ...row, ...(late && { late }), ...(marked && { marked }) });
    }
  }
  return [...merged.values()].sort((a, b) => b.weightMs - a.weightMs).slice(0, 8);
}

/** Keeps the list bounded: the time of the lightest stack goes to one with the same place, or is dropped. */
export function mergeSmallest(stacks: Witness[]): void {
  let smallest = 0;
  stacks.forEach((stack, i) => {
    if (stack.weightMs < stacks[smallest]!.weightMs) smallest = i;
  });
  const [gone] = stacks.splice(smallest, 1);
  const twin = stacks.find(({ kind, location }) => kind === gone?.kind && location?.line === gone.location?.line);
  if (!twin || !gone) return;
  twin.weightMs += gone.weightMs;
  twin.count += gone.count;
}

/** A collection that hardly ran waited for the helper threads of V8, and they for a core. */
export function isStarvedGc(gcMs: number, cpuMs: number | null): boolean {
  return cpuMs !== null && cpuMs < gcMs / 4;
}

/** A worker thread that has not run, and it is not known in what it waits: WebAssembly's threads wait without a mark. */
const ASLEEP_SHARE = 0.02;

/** One that waited for other threads for most of the time, as Atomics.wait does. */
const LOCKED_SHARE = 0.8;

/** It waited for another thread for most of the time. */
export function isLocked(durationMs: number, { lockedMs = 0 }: Pick<StallRow, 'lockedMs'>): boolean {
  return lockedMs >= durationMs * LOCKED_SHARE;
}

/** A worker of a pool that waits for its next job; `kind` is null if nothing was seen. */
export function isIdleWorker(
  stall: Pick<StallRow, 'durationMs' | 'cpuMs' | 'lockedMs' | 'waiting'> & { kind: StallKind | null },
): boolean {
  const { kind, waiting, cpuMs, durationMs, lockedMs = 0 } = stall;
  if ((waiting ?? 0) > 0) return false;
  if (isLocked(durationMs, { lockedMs })) return true;
  if (kind !== null) return isIdleWait({ kind, waiting });
  return cpuMs !== null && cpuMs < durationMs * ASLEEP_SHARE;
}

/** It hardly ran, and no code was seen: the machine paged, or delayed the thread in another way. */
export function hardlyRan(durationMs: number, cpuMs: number | null): boolean {
  return cpuMs !== null && cpuMs < durationMs / 4;
}

/**
 * The host's fault: what is left for the code would not have been a stall; or the watchdog itself was late for half of
 * it, as when the whole machine was suspended.
 */
export function isHost(stall: OwnShareOf, ownLateMs: number, slowMs: number): boolean {
  const { durationMs, cpuMs } = stall;
  if (isHeldUp(stall, slowMs)) return true;
  return ownLateMs >= durationMs / 2 && (cpuMs === null || cpuMs < durationMs / 2);
}
