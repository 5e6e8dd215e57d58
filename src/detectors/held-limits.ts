/**
 * Who holds what others wait for: a connection of a pool, a slot of a limit, a lock.
 *
 * Calls that wait for promises which were made at one place queue up for one thing. A function that waits there, and of which other calls
 * are suspended at a later await, has got it: these calls hold it. Where they themselves wait at that place again, nobody goes on.
 */
import { lineKey, toLocation } from '../recording/places.ts';
import type { Location } from '../recording/types.ts';
import { type CallGraph, callGraph } from './call-graph.ts';
import { isFrozen } from './frozen.ts';
import type { Period } from './unfinished.ts';
import {
  type Chain,
  type Chains,
  isCombined,
  isLaterIn,
  isOwn,
  oldestOf,
  sumOf,
  type WaitFrame,
  waitedFor,
} from './wait-chains.ts';

/** What is awaited to have one of something, by the names that libraries and people give it. */
const ACQUIRING =
  /acquire|borrow|checkout|claim|connect|down|enter|hold|lease|lock|mutex|obtain|reserve|seize|semaphore|session|slot|take|ticket|turn|wait/i;

/** Lines of one queue whose text is looked at. */
const MAX_TEXTS = 10;
/** Some of the counts are estimates. */
const MOST_SHARE = 0.75;
/** Began at about the time at which the others ceased to go on. */
const BESIDE_MS = 2000;
/** What holds something for long began so much earlier at most. */
const BEFORE_MS = 10_000;

export interface HeldLimit {
  /** Of those that hold it, who themselves wait for it; and who only waits. */
  nested: readonly Chain[];
  waiters: readonly Chain[];
  /** Calls that hold it. */
  holding: number;
  /** What those wait for who hold it and wait for something else. */
  elsewhere: readonly Chain[];
  /** Where those wait who hold it, as far as it is their own function that has it. */
  past: readonly Chain[];
  /** Where the ones that hold it got it, if that is known; and the innermost of their frames that has it. */
  acquiredAt: WaitFrame | null;
  /** Where what is waited for is made. */
  madeIn: string;
}

/** For each thing that calls queue up for without any of them going on: who holds it, as far as that is certain. */
export function heldLimits(chains: Chains, period: Period): HeldLimit[] {
  const graph = callGraph(period, chains.t);
  return [...queuesOf(chains)].flatMap(({ file, queue }) => {
    if (!isFrozen(queue, period, chains.t)) return [];
    const limit = byFunction(queue, chains) ?? byMachinery(file, queue, chains);
    const found = limit ? (nestedBelow(limit, queue, chains, graph) ?? limit) : byText(queue, chains, graph);
    return found ? [{ ...found, madeIn: file }] : [];
  });
}

interface Queue {
  file: string;
  queue: Chain[];
}

function queuesOf({ leaves }: Chains): Iterable<Queue> {
  const queues = new Map<string, Queue>();
  const known = leaves.filter(({ made }) => made !== null);
  for (const leaf of leaves.filter((one) => !leaves.some((other) => isBehind(one, other)))) {
    const { file, key } = waitedFor(leaf.made ? leaf : (known.find((other) => asksTheSame(other, leaf)) ?? leaf));
    const one = queues.get(key) ?? { file, queue: [] };
    one.queue.push(leaf);
    queues.set(key, one);
  }
  return queues.values();
}

/** Where nobody saw what made a promise: both ask the same thing for it, `pool` in "pool.connect()" and "pool.query(text)". */
function asksTheSame({ frames: [one] }: Chain, { frames: [other] }: Chain): boolean {
  const receiver = receiverIn(one!.code);
  return receiver !== null && one!.file === other!.file && receiver === receiverIn(other!.code);
}

function receiverIn(code: string): string | null {
  return /^([\w$.#]+)\.[\w$#]+\(/.exec(code)?.[1] ?? null;
}

type Found = Omit<HeldLimit, 'madeIn'>;

/** A function of which some calls wait in the queue and others are past that: the nearest to what is waited for. */
function byFunction(queue: readonly Chain[], { all, leaves }: Chains): Found | null {
  // Where nobody saw what made a promise, the file is that of the function that waits.
  const file = queue.some(({ made }) => made !== null) ? waitedFor(queue[0]!).file : null;
  const depth = Math.max(...queue.map(({ frames }) => frames.length));
  for (let i = 0; i < depth; i++) {
    for (const { frames } of queue) {
      const acquiring = frames[i];
      if (!acquiring || !isAcquiring(acquiring, file)) continue;
      const isPast = (frame: WaitFrame): boolean => isLaterIn(frame, acquiring);
      const past = all.filter((chain) => isPast(chain.frames[0]!));
      const within = leaves.filter((chain) => chain.frames.some(isPast));
      if (past.length + within.length === 0) continue;
      const nested = within.filter((chain) => queue.includes(chain));
      const elsewhere = within.filter((chain) => !queue.includes(chain) && !queue.some((one) => isBehind(chain, one)));
      return {
        nested,
        waiters: queue.filter((chain) => !nested.includes(chain)),
        holding: Math.round(Math.max(sumOf(past), sumOf([...nested, ...elsewhere]))),
        elsewhere,
        past,
        acquiredAt: acquiring,
      };
    }
  }
  return null;
}

/** What one of those in the queue waits for, further in: of an async generator, the turn that runs for it. */
function isBehind({ frames }: Chain, { frames: outer }: Chain): boolean {
  const more = frames.length - outer.length;
  return more > 0 && outer.every((frame, i) => lineKey(frame) === lineKey(frames[more + i]!));
}

/** As its text says, or as it is part of what hands it out. */
function isAcquiring({ code, file }: WaitFrame, machinery: string | null): boolean {
  return ACQUIRING.test(code.replace(/\(.*/s, '')) || file === machinery;
}

/** Calls within the file that hands it out, which run what was given to them. */
function byMachinery(file: string, queue: readonly Chain[], { all }: Chains): Found | null {
  const running = all.filter((chain) => chain.frames[0]!.file === file && !queue.includes(chain));
  if (running.length === 0 || isOwn(running[0]!.frames[0]!)) return null;
  const holding = Math.round(sumOf(running));
  return { nested: [], waiters: queue, holding, elsewhere: [], past: [], acquiredAt: null };
}

/**
 * Of the calls that run what they were given, nothing may be seen. What waits, and was written or called on a line on which others still
 * wait for it, has got in there.
 */
function byText(queue: readonly Chain[], chains: Chains, graph: CallGraph): Found | null {
  const lines = queue.flatMap(({ made, frames }) => (made === null ? [] : (frames.find(isOwn) ?? [])));
  for (const line of new Map(lines.slice(0, MAX_TEXTS).map((one) => [lineKey(one), one])).values()) {
    const below = chains.leaves.filter(
      (chain) =>
        chain.frames.every((frame) => lineKey(frame) !== lineKey(line)) &&
        (isNamedIn(line, chain) || (queue.includes(chain) && graph.callsFrom(line, chain) !== null)),
    );
    if (below.length === 0) continue;
    const nested = below.filter((chain) => queue.includes(chain));
    const elsewhere = below.filter((chain) => !queue.includes(chain));
    const waiters = queue.filter((chain) => !nested.includes(chain));
    const holding = Math.round(below.reduce((sum, chain) => sum + callsOf(chain, chains), 0));
    const limit = { nested, waiters, holding, elsewhere, past: [], acquiredAt: line };
    if (nested.length === 0) return limit;
    return othersWait(nested, queue, limit, chains) ? null : { ...limit, acquiredAt: null };
  }
  return null;
}

/** A function that is called in what is handed over, as in "limit(() => crawl(site))", or that is handed over itself. */
function isNamedIn({ code, file }: WaitFrame, { frames }: Chain): boolean {
  const outermost = frames.findLast(isOwn);
  const name = outermost?.function.split('.').at(-1) ?? '';
  if (!/^[\w$]+$/.test(name) || outermost!.file !== file) return false;
  const given = code.slice(code.indexOf('(') + 1);
  const words = given.split(/[^\w$]+/);
  return /=>|function/.test(given) ? words.includes(name) : words[0] === name;
}

/** A call that waits for several at once is one. */
function callsOf(chain: Chain, { all }: Chains): number {
  const isSame = ({ frames }: Chain): boolean => lineKey(frames[0]!) === lineKey(chain.frames[0]!);
  const together = all.filter((other) => other.made?.what === 'promise' && isCombined(other) && isSame(other));
  return together.length > 0 ? Math.min(chain.count, sumOf(together)) : chain.count;
}

/**
 * V8 does not report all of a chain. If the calls that hold something only run what they were given, the holders are
 * the calls within them that were made from a line on which others still wait for it.
 */
function nestedBelow(limit: Found, queue: readonly Chain[], chains: Chains, graph: CallGraph): Found | null {
  if (limit.nested.length > 0) return null;
  const opaque = limit.elsewhere.every(({ frames, made }) => (made?.via.length ?? 0) === 0 && !isOwn(frames[0]!));
  if (!opaque) return null;
  for (const outer of queue) {
    const line = ownFrame(outer, limit);
    if (!line) continue;
    const nested = queue.filter((chain) => graph.callsFrom(line, chain) !== null);
    // A call that waits for several at once is one; and in a chain that V8 does not report, one of the calls on the way is.
    const calls = Math.min(sumOf(nested), ...nested.flatMap((chain) => graph.callsFrom(line, chain) ?? []));
    if (nested.length === 0 || calls < MOST_SHARE * limit.holding) continue;
    if (othersWait(nested, queue, limit, chains)) continue;
    const waiters = queue.filter((chain) => !nested.includes(chain));
    return { ...limit, nested, waiters, holding: Math.max(limit.holding, Math.round(calls)), elsewhere: [] };
  }
  return null;
}

/** Something else began to wait when the queue stopped: it may be what holds it up. */
function othersWait(nested: readonly Chain[], queue: readonly Chain[], limit: Found, { leaves }: Chains): boolean {
  const ageMs = oldestOf(nested);
  return leaves.some(
    (leaf) =>
      !queue.includes(leaf) &&
      !limit.elsewhere.includes(leaf) &&
      leaf.frames[0]!.file !== waitedFor(queue[0]!).file &&
      Math.abs(leaf.oldestMs - ageMs) <= BESIDE_MS,
  );
}

/** Where the program itself waits for it: behind the frames of what hands it out. */
export function ownFrame(
  chain: Chain,
  { acquiredAt, nested, waiters }: Pick<Found, 'acquiredAt' | 'nested' | 'waiters'>,
): WaitFrame | null {
  const others = [...nested, ...waiters].filter((other) => other !== chain);
  let shared = 0;
  const at = (one: Chain): string | undefined => (one.frames[shared] ? lineKey(one.frames[shared]!) : undefined);
  while (others.length > 0 && at(chain) !== undefined && others.every((other) => at(other) === at(chain))) shared++;
  // All that wait have the same frames: these are not all of what hands it out.
  if (shared >= chain.frames.length) shared = 0;
  const acquiring = acquiredAt && chain.frames.findIndex((frame) => lineKey(frame) === lineKey(acquiredAt));
  const from = acquiring !== null && acquiring > 0 ? Math.max(shared, acquiring + 1) : shared;
  return chain.frames.slice(from).find(isOwn) ?? chain.frames.find(isOwn) ?? null;
}

/** All of it hangs on itself: each that holds it waits for it. */
export function isDeadlock(limit: HeldLimit, chains: Chains): boolean {
  const { nested, elsewhere, holding } = limit;
  const all = nested.length > 0 && elsewhere.length === 0 && sumOf(nested) >= MOST_SHARE * holding;
  return all && !othersMayHold(limit, chains);
}

/** Where functions take and give back by themselves, another function may have it: whatever runs since before. */
function othersMayHold({ nested, waiters, acquiredAt, madeIn }: HeldLimit, { all }: Chains): boolean {
  if (!acquiredAt || !isOwn(acquiredAt) || acquiredAt.file === madeIn) return false;
  const ageMs = oldestOf(nested);
  const queued = [...nested, ...waiters];
  const known = new Set(queued.flatMap(({ frames }) => frames.map(lineKey)));
  return all.some(
    ({ frames, oldestMs }) =>
      !known.has(lineKey(frames[0]!)) && oldestMs > ageMs - BESIDE_MS && oldestMs < ageMs + BEFORE_MS,
  );
}

/** Told of those that wait: they are many, their lines few. */
const MAX_LINES = 12;

/** Each of the program's own lines on which some of them wait. */
export function ownLines(chains: readonly Chain[], place: WaitFrame): Location[] {
  const byLine = new Map<string, Location>();
  for (const { frames } of chains) {
    for (const frame of frames.filter(isOwn)) {
      if (lineKey(frame) !== lineKey(place)) byLine.set(lineKey(frame), toLocation(frame));
    }
  }
  return [...byLine.values()].slice(0, MAX_LINES);
}

/** The frames of the program outside of the one where it waits: who called it. */
export function callersOf(chain: Chain, place: Location): WaitFrame[] {
  const at = chain.frames.findIndex((frame) => lineKey(frame) === lineKey(place));
  return chain.frames.slice(at + 1).filter(isOwn);
}
