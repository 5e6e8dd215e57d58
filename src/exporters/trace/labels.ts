import type { Frame } from '../../recording/types.ts';
import type { Operation } from './operation.ts';
import { clean, fileName, fullPlace } from './text.ts';

/** The kind of a promise, by what made it: an async function, an `await`, a reaction (`then`), or another built-in. */
export type Sort = 'call' | 'await' | 'reaction' | 'promise';

/** Null if the stack was not taken, and for what is no promise. */
export function sortOf({ site, isDerived, isPromise }: Operation): Sort | null {
  const top = site?.[0];
  if (!top || !isPromise) return null;
  if (top.file === '') return isDerived ? 'reaction' : 'promise';
  return isDerived ? 'await' : 'call';
}

/** Node's frames by which timers and ticks are started. */
export const STARTERS = /^node:(internal\/)?(timers|process\/task_queues|async_hooks)/;

export const isProgram = ({ category }: Frame): boolean => category === 'application' || category === 'dependency';

/**
 * Where in the program it was started: in its own code, or in a package's. An async function that Node calls (a
 * handler of requests) has no other place than its own.
 */
export function placeOf(operation: Operation): Frame | null {
  const site = operation.site ?? [];
  const isOwnCall = sortOf(operation) === 'call' && isProgram(site[0]!);
  if (isOwnCall) return site[1] && isProgram(site[1]) && !site[1].awaits ? site[1] : site[0]!;
  return (
    site.find(({ category }) => category === 'application') ??
    site.find(({ category }) => category === 'dependency') ??
    null
  );
}

/** "Timeout reportMetrics orders.mjs:30", "await loadOrders orders.mjs:12", "call fetch orders.mjs:13", "HTTPINCOMINGMESSAGE". */
export function labelOf(operation: Operation): string {
  const place = placeOf(operation);
  const { what, by, at } = callOf(operation, place) ?? wordsOf(operation, place);
  return [what, by && (by.function || '(anonymous)'), at && `${fileName(at.file)}:${at.line}`]
    .filter(Boolean)
    .join(' ');
}

interface Words {
  what: string;
  /** Its function is known. */
  by: Frame | null;
  at: Frame | null;
}

/** What the program called: its own async function, or Node's, which may make its promise by a built-in. */
function callOf(operation: Operation, place: Frame | null): Words | null {
  const sort = sortOf(operation);
  if (sort !== 'call' && sort !== 'promise') return null;
  const site = operation.site!;
  const by = isProgram(site[0]!) || !place ? site[0]! : site[site.indexOf(place) - 1]!;
  return by.file === '' ? null : { what: 'call', by, at: place };
}

/** Work for a promise is named by the function that makes it: `new Promise((resolve) => setTimeout(resolve, 10))`. */
function namedBy(place: Frame, site: Frame[]): Frame {
  const at = site.indexOf(place);
  return (place.function === '' && site[at + 1]?.function === 'new Promise' && site[at + 2]) || place;
}

/** Awaits within Node are named by Node's own functions. */
function wordsOf(operation: Operation, place: Frame | null): Words {
  const { type, site } = operation;
  const sort = sortOf(operation);
  const first = site?.find(({ file }) => file !== '' && !STARTERS.test(file)) ?? null;
  if (sort === null) return { what: type, by: (place && namedBy(place, site!)) ?? first, at: place };
  const what = sort === 'await' ? 'await' : lastWord(site![0]!.function);
  return { what, by: first, at: first && isProgram(first) ? first : null };
}

/** "Promise.then" and "new Promise" by their last word. */
function lastWord(name: string): string {
  const word = name.slice(Math.max(name.lastIndexOf('.'), name.lastIndexOf(' ')) + 1);
  return word === 'Promise' ? 'new Promise' : word;
}

/** The frames of the program that led to it. */
export function stackText({ site }: Operation): string {
  const frames = (site ?? []).filter(isProgram);
  return frames.map((frame) => `${clean(frame.function) || '(anonymous)'} ${fullPlace(frame)}`).join(' ← ');
}

/** In which part of the loop's turn its callbacks run. */
export function phaseOf({ type, isPromise }: Operation): 'timers' | 'poll' | 'check' | 'microtasks' {
  if (isPromise || type === 'TickObject' || type === 'Microtask') return 'microtasks';
  if (type.startsWith('Timeout')) return 'timers';
  return type.startsWith('Immediate') ? 'check' : 'poll';
}
