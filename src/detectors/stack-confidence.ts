/** How sure the stacks of stalls and deep samples are: a finding is as sure as the weakest part of its evidence. Pure. */

import { functionKey } from '../recording/places.ts';
import type { DeepSampleRow, Location, StallKind, StallRow, StallStack } from '../recording/types.ts';
import { CONFIDENCE } from './confidence.ts';
import { INDEPENDENT_STACKS } from './limits.ts';
import { ownMs } from './stalls.ts';

/** The share of the time at one place that counts as most of it. */
const AGREEING_SHARE = 0.6;
/** With less of the measured time, the host determined the length. */
const OWN_SHARE = 0.3;

/** What a finding names. For computation and collections the place is a function, for a call its line. */
interface Named {
  kind: StallKind;
  location: Location | null;
}

/** Kinds that the clock shows, or that remain: stacks only give their place. */
const OF_FUNCTIONS: ReadonlySet<StallKind> = new Set(['js-cpu', 'gc', 'host', 'module-load']);

/** Of the stalls of one finding: as sure as the weakest part of the evidence. */
export function confidenceOfStalls(stalls: readonly StallRow[], named: Named): number {
  const stacks = stalls.flatMap((stall) => stall.stacks);
  const wallMs = sum(stalls, ({ durationMs }) => durationMs);
  // The kernel's clocks show what the host took.
  if (named.kind === 'host') return CONFIDENCE.compared;
  const seen =
    stacks.length > 0
      ? confidenceOfStacks(stacks, named, unseenMs(stalls))
      : sum(stalls, ({ confidence, durationMs }) => confidence * durationMs) / Math.max(1, wallMs);
  return Math.min(seen, ownership(stalls));
}

/** Whether the time was the code's own. */
function ownership(stalls: readonly StallRow[]): number {
  return isMostlyHeld(stalls) ? CONFIDENCE.held : CONFIDENCE.stated;
}

/** Most of the time went to the host: waits for a core, for pages and disks, and for a CPU limit. */
export function isMostlyHeld(stalls: readonly StallRow[]): boolean {
  const wallMs = sum(stalls, ({ durationMs }) => durationMs);
  return sum(stalls, ownMs) < wallMs * OWN_SHARE;
}

/** Of the stalls without a stack: their time supports nothing. */
function unseenMs(stalls: readonly StallRow[]): number {
  return sum(
    stalls.filter(({ stacks }) => stacks.length === 0),
    ({ durationMs }) => durationMs,
  );
}

/** Of stacks with the time that each accounts for. `elsewhereMs` is time without a stack. */
export function confidenceOfStacks(stacks: readonly StallStack[], named: Named, elsewhereMs = 0): number {
  const agreeing = stacks.filter((stack) => isOf(stack, named));
  if (stacks.length === 0) return CONFIDENCE.unseen;
  const weight = sum(stacks, weightOf) + elsewhereMs;
  const share = sum(agreeing, weightOf) / Math.max(1, weight);
  return Math.min(
    witnesses(agreeing),
    share >= AGREEING_SHARE ? CONFIDENCE.stated : CONFIDENCE.divided,
    named.location === null ? CONFIDENCE.indirect : CONFIDENCE.stated,
  );
}

/** Of stacks at the place: those that were answered in time give it, others at most the kind and the function. */
function witnesses(agreeing: readonly StallStack[]): number {
  const inTime = agreeing.filter(({ late }) => !late);
  if (inTime.length === 0) return behindMarks(agreeing) ? CONFIDENCE.divided : CONFIDENCE.late;
  if (inTime.some(({ marked }) => marked)) return CONFIDENCE.marked;
  return witnessed(sum(inTime, ({ count = 1 }) => count));
}

/** Several came after marked calls: what blocked is known, and the function. */
function behindMarks(late: readonly StallStack[]): boolean {
  return (
    sum(
      late.filter(({ marked }) => marked),
      ({ count = 1 }) => count,
    ) >= INDEPENDENT_STACKS
  );
}

/** The calls of a chain differ by nature: several stacks of it suffice, wherever they are. */
export function confidenceOfChains(stalls: readonly StallRow[]): number {
  const inTime = stalls.flatMap(({ stacks }) => stacks.filter(({ late }) => !late));
  return Math.min(witnessed(sum(inTime, ({ count = 1 }) => count)), ownership(stalls));
}

/** Of stacks that deep samples took at random moments, with that share at one place. */
export function confidenceOfSamples(deepSamples: readonly DeepSampleRow[], share: number): number {
  const stacks = sum(deepSamples, ({ busySamples }) => busySamples) * share;
  return Math.min(witnessed(stacks), share >= DIVIDED_SHARE ? CONFIDENCE.compared : CONFIDENCE.divided);
}

/** In samples of a thread that does many things, one place with that share stands out. */
const DIVIDED_SHARE = 0.3;

function witnessed(stacks: number): number {
  return stacks >= INDEPENDENT_STACKS ? CONFIDENCE.agreeing : CONFIDENCE.single;
}

function isOf(stack: StallStack, { kind, location }: Named): boolean {
  if (location === null || stack.location === null) return location === stack.location;
  if (functionKey(stack.location) !== functionKey(location)) return false;
  return OF_FUNCTIONS.has(kind) || (stack.kind === kind && stack.location.line === location.line);
}

function weightOf({ weightMs }: StallStack): number {
  return weightMs;
}

function sum<T>(values: readonly T[], value: (one: T) => number): number {
  return values.reduce((total, one) => total + value(one), 0);
}
