/** Awaits of a profile, and how they are reported: those of the application, by the stack that awaits. */
import type { Wait } from '../../src/library/types.ts';
import { readStack, type TakenStack } from '../agent/stack.ts';
import { belowHooks, isNodes } from '../agent/tracking/sites.ts';
import type { RawFrame } from '../shared-memory.ts';
import { atAwait } from '../watchdog/source-text.ts';
import { isNotOurs } from './leftovers.ts';
import { toFrame } from './run-sources.ts';
import type { Turning } from './turns.ts';

/** Different stacks kept. */
const MAX_STACKS = 5000;

export interface Join {
  /** Where they were asked for. */
  at: TakenStack;
  /** Where they were made. */
  of: TakenStack[];
}

/** One await that has not resumed. */
export interface Suspended {
  fromMs: number;
  taken: TakenStack;
  /** Where what it awaits was made, unless that is a wrapper. */
  result: TakenStack | null;
  /** What may settle it: promises that were used just after it was made. */
  joined: Join | null;
  holders: readonly Holder[];
  /** How many it represents. */
  weight: number;
}

export interface Ended extends Omit<Suspended, 'holders'> {
  ms: number;
  unfinished: boolean;
  /** How many profiles are nested within the one to which it is reported. */
  inner: number;
}

/** One profile. */
export interface Holder extends Turning {
  around: readonly Holder[];
  open: Set<Suspended>;
  ended: Ended[];
  waits: Map<string, Wait>;
  taken: number;
  unfollowed: number;
  closed: boolean;
}

/** Frames by the stack they were read from: nested profiles share it, and it can be read once. */
const framesOf = new WeakMap<TakenStack, RawFrame[]>();

function readOnce(taken: TakenStack): RawFrame[] {
  const known = framesOf.get(taken) ?? belowHooks(readStack(taken));
  framesOf.set(taken, known);
  return known;
}

/** That it has resumed, or will not any more, as reported to one of the profiles. */
export function toEnded({ holders, ...one }: Suspended, now: number, unfinished: boolean, to: Holder): Ended {
  return { ...one, ms: now - one.fromMs, unfinished, inner: holders.indexOf(to) };
}

/** Adds an await to those of the same stack. */
export function addTo(holder: Holder, { taken, result, joined, ms, unfinished, inner, weight }: Ended): void {
  const raw = readOnce(taken);
  // A built-in on top: a reaction by `then`. Node's own calls, and ours, are awaited by those of the application.
  if (!raw[0] || isNodes(raw[0]) || !isNotOurs(raw[0])) return;
  const frames = ofCall(raw, inner);
  if (frames.length === 0) return;
  const self = !isOwnCall(result) && !isJoined(joined);
  const key = `${self} ${frames.map((frame) => frame.join(':')).join('|')}`;
  let wait = holder.waits.get(key);
  if (!wait) {
    if (holder.waits.size >= MAX_STACKS) {
      holder.unfollowed += weight;
      return;
    }
    const [top, ...rest] = frames.map(toFrame);
    wait = { stack: [{ ...top!, ...atAwait(top!) }, ...rest], self, count: 0, unfinished: 0, totalMs: 0, longestMs: 0 };
    holder.waits.set(key, wait);
  }
  wait.count += weight;
  wait.totalMs += weight * ms;
  wait.longestMs = Math.max(wait.longestMs, ms);
  if (unfinished) wait.unfinished += weight;
}

/** Whether what is awaited is the result of a call of the application, or of a nested profile: these are reported themselves. */
function isOwnCall(result: TakenStack | null): boolean {
  const top = result && readOnce(result)[0];
  if (!top || isNodes(top)) return false;
  return !isNotOurs(top) || toFrame(top).category === 'application';
}

/** Whether own calls settle it, through a combinator: a built-in used their results, not an await. */
function isJoined(joined: Join | null): boolean {
  if (joined === null) return false;
  const top = withoutOurs(readOnce(joined.at))[0];
  return top !== undefined && isNodes(top) && joined.of.some(isOwnCall);
}

/** `init` itself is on the stack of what it calls. */
function withoutOurs(frames: readonly RawFrame[]): readonly RawFrame[] {
  const first = frames.findIndex(isNotOurs);
  return first < 0 ? [] : belowHooks(frames.slice(first));
}

/** Up to the caller of the profile, without frames of evdiag and Node, skipping the profiles that are nested within. */
function ofCall(raw: readonly RawFrame[], inner: number): RawFrame[] {
  const frames: RawFrame[] = [];
  let passed = 0;
  let wasOurs = false;
  for (const frame of raw) {
    const ours = !isNotOurs(frame);
    if (!ours && wasOurs && ++passed > inner) break;
    if (ours && frames.length > 0) wasOurs = true;
    else if (!ours) {
      wasOurs = false;
      if (!isNodes(frame)) frames.push(frame);
    }
  }
  return frames;
}
