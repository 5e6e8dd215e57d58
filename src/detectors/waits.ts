/** What a suspended call waits for, as far as it is known. */
import type { UnfinishedEntry } from '../recording/types.ts';
import { functionOf, type Period, type Place, placesOf } from './unfinished.ts';

const NETWORK: readonly string[] = ['dns', 'fetch', 'http', 'http2', 'https', 'net', 'tls', 'undici'];

const OUTBOUND: readonly string[] = ['GETADDRINFOREQWRAP', 'HTTPCLIENTREQUEST', 'TCPCONNECTWRAP', 'TCPWRAP', 'TLSWRAP'];

const CLIENTS: readonly string[] = ['fetch', 'http', 'http2', 'https', 'undici'];

/** Waits for the next of something: a consumer is idle while nothing comes. */
export function reads(entry: UnfinishedEntry): boolean {
  return viaOf(entry).some((via) => ['readline', 'stream', 'streams'].includes(via));
}

export function listens(entry: UnfinishedEntry): boolean {
  return viaOf(entry).includes('events');
}

/** "for await (const x of y)", with and without its first words. */
const FOR_AWAIT = /\bfor\s+await\b|^\(\s*(?:const|let|var)\b.*\bof\b/;

/** It is inside a loop of its function, by the text, or because it was seen as the first await of a call and as a later one. */
export function isLoop({ loop, code }: UnfinishedEntry): boolean {
  return loop === true || FOR_AWAIT.test(code ?? '');
}

/** Node's modules between the place and the awaited thing. */
export function viaOf({ via, madeBy }: UnfinishedEntry): readonly string[] {
  return madeBy === null ? via : [...via, ...madeBy.via];
}

/** Same function, or one that calls it: then a root cause shows twice. */
export function isRecursive({ location, last: { entry } }: Place): boolean {
  const own = functionOf(location);
  return own !== null && entry.callers.some((caller) => functionOf(caller) === own);
}

/** Functions in which handles of some types are alive that pass the test, and the first line of each where one was made. */
export function functionsWith(period: Period, isMeant: (entry: UnfinishedEntry) => boolean): Map<string, number> {
  const functions = new Map<string, number>();
  for (const { location, last } of placesOf(period, 'handle')) {
    if (last.entry.alive === 0 || !isMeant(last.entry)) continue;
    for (const place of [location, ...last.entry.callers.slice(0, 1)]) {
      const key = functionOf(place);
      if (key !== null) functions.set(key, Math.min(place.line, functions.get(key) ?? place.line));
    }
  }
  return functions;
}

/** What made the promise is not always known: it may not have been among those that are followed. */
const FETCH = /^(?:await\s+)?(?:globalThis\.)?fetch\s*\(/;

function isOutbound({ what, type }: UnfinishedEntry): boolean {
  return what === 'handle' && OUTBOUND.includes(type);
}

/** A Node client, which has a pool of its own. */
export function isPooledVia(via: readonly string[]): boolean {
  return via.some((module) => CLIENTS.includes(module));
}

export function isPooled({ via }: UnfinishedEntry): boolean {
  return isPooledVia(via);
}

export function isNetwork(entry: UnfinishedEntry): boolean {
  return isOutbound(entry) || viaOf(entry).some((via) => NETWORK.includes(via)) || FETCH.test(entry.code ?? '');
}

/** A timer that was set for this, not one that a Node client uses internally. */
function isDeadline(entry: UnfinishedEntry): boolean {
  return entry.type === 'Timeout' && !isPooled(entry);
}

/** What an await waits for, as far as it is known. */
export interface Waits {
  network(place: Place): boolean;
  timer(place: Place): boolean;
  /** The request was answered, as its call has gone on from where it waited for that. */
  answered(place: Place): boolean;
}

/** This share of the calls that wait at a place are within it. */
const WITHIN_SHARE = 0.8;

/** `then` on what calls got after an earlier await: mostly the rest of an answer. */
export function laterSteps(period: Period): Place[] {
  return placesOf(period, 'reaction').filter(
    ({ last: { entry } }) => entry.type === 'then' && entry.resumed === true && entry.alive > 0 && !isNetwork(entry),
  );
}

export function waitsOf(period: Period): Waits {
  const outbound = functionsWith(period, isOutbound);
  const deadlines = functionsWith(period, isDeadline);
  const steps = laterSteps(period).filter((step) => isWithin(outbound, step));
  const isWithinCall = ({ last: { entry } }: Place, { location, last }: Place): boolean =>
    entry.alive >= WITHIN_SHARE * last.entry.alive &&
    entry.callers.some(({ file, line }) => file === location.file && line === location.line);
  const answered = (place: Place): boolean => steps.some((step) => step === place || isWithinCall(step, place));
  return {
    network: (place) => (isNetwork(place.last.entry) || isWithin(outbound, place)) && !answered(place),
    timer: (place) => viaOf(place.last.entry).includes('timers') || isWithin(deadlines, place, true),
    answered,
  };
}

/**
 * Whether the await, or what made the awaited promise, is in one of these functions; `before`: behind the line where that was made. What is
 * made after an await that ends on its line is for a later one.
 */
export function isWithin(
  functions: Map<string, number>,
  { location, last: { entry } }: Place,
  before = false,
): boolean {
  const isClosed = entry.code !== undefined && entry.code !== '' && !entry.code.includes('…');
  return [location, entry.madeBy?.location].some((place) => {
    const line = place ? functions.get(functionOf(place) ?? '') : undefined;
    if (line === undefined) return false;
    const isSame = functionOf(place!) === functionOf(location);
    return !(before && isClosed && isSame && !isLoop(entry) && line > location.line);
  });
}
