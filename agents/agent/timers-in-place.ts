/** The timers of a thread, and where functions begin: by an inspector session of the thread with itself, no domain of which stays enabled. */
import type { OwnSession } from '../../src/async-dump/own-session.ts';
import { withOwnSession } from '../../src/async-dump/own-session.ts';
import { NativeError, NativeMap, ownKeys, process, setTimeout } from '../primordials.ts';
import type { RawFrame } from '../shared-memory.ts';
import { isObject, nameOf, read } from './plain-values.ts';

/** Urls of scripts that are remembered. */
const MAX_SCRIPTS = 20_000;
/** With more, V8 would block the thread for a tenth of a second to report them all. */
const MAX_PARSED = 500;
/** The place of a function costs 0.1 ms. */
const MAX_PLACES = 300;
const MAX_TIMERS = 200_000;

// Kept from before the application could replace it.
const startTimer = setTimeout;
/** V8 forgets its counts of coverage when any session turns its profiler off. */
const measuresCoverage = (process.env.NODE_V8_COVERAGE ?? '') !== '';

/** Every timer of this thread, so many of each delay. */
export function allTimers(session: OwnSession): object[] {
  const lists = timerLists(session);
  const timers: object[] = [];
  for (const delay of ownKeys(lists)) {
    const list = read(lists, delay) as object;
    let timer = read(list, '_idlePrev');
    for (let i = 0; i < MAX_TIMERS && isObject(timer) && timer !== list; i++) {
      timers.push(timer);
      timer = read(timer, '_idlePrev');
    }
  }
  return timers;
}

function timerLists(session: OwnSession): object {
  const { internalProperties } = session.post('Runtime.getProperties', { objectId: session.handleOf(startTimer) });
  const scopes = named(internalProperties, '[[Scopes]]');
  if (!scopes) throw new NativeError('the timers of this Node are not where they are looked for');
  const { result } = session.post('Runtime.getProperties', { objectId: scopes, ownProperties: true });
  for (const { value } of result as { value?: { objectId?: string } }[]) {
    if (!value?.objectId) continue;
    const scope = session.post('Runtime.getProperties', { objectId: value.objectId, ownProperties: true });
    const lists = named(scope.result, 'timerListMap');
    if (lists) return session.valueOf(lists) as object;
  }
  throw new NativeError('the timers of this Node are not where they are looked for');
}

function named(properties: unknown, name: string): string | undefined {
  const list = (properties ?? []) as { name: string; value?: { objectId?: string } }[];
  return list.find((property) => property.name === name)?.value?.objectId;
}

export type Places = (callback: object) => RawFrame | null;

/** Where functions begin. */
export function createPlaces(session: OwnSession): Places {
  const known = new NativeMap<object, RawFrame | null>();
  // Each source is read once, the cheap one first.
  let read = 0;
  const urlOf = (scriptId: string): string | undefined => {
    while (!scripts.has(scriptId) && read < 2) {
      if (read++ === 0) readScripts(session);
      else readParsedScripts(session);
    }
    return scripts.get(scriptId);
  };
  return (callback) => {
    let frame = known.get(callback);
    if (frame === undefined) {
      frame = known.size < MAX_PLACES ? placeOf(session, callback, urlOf) : null;
      known.set(callback, frame);
    }
    return frame;
  };
}

function placeOf(
  session: OwnSession,
  callback: object,
  urlOf: (scriptId: string) => string | undefined,
): RawFrame | null {
  const { internalProperties } = session.post('Runtime.getProperties', {
    objectId: session.handleOf(callback),
    ownProperties: true,
  });
  const list = (internalProperties ?? []) as { name: string; value?: { value?: unknown } }[];
  const at = list.find(({ name }) => name === '[[FunctionLocation]]')?.value?.value as
    | { scriptId: string; lineNumber: number; columnNumber: number }
    | undefined;
  const url = at && urlOf(at.scriptId);
  return at && url ? [nameOf(callback), url, at.lineNumber + 1, at.columnNumber + 1] : null;
}

/** The urls of scripts by id; known ones are kept, because V8 forgets at a collection what ran only once. */
const scripts = new NativeMap<string, string>();

/** To be called before the collection that begins a dump, if there was no dump before. */
export function rememberScripts(): void {
  if (scripts.size === 0) withOwnSession(readScripts);
}

/** By V8's coverage counts: the Debugger domain stays off. */
function readScripts(session: OwnSession): void {
  if (measuresCoverage) return;
  session.post('Profiler.enable');
  const { result } = session.post('Profiler.getBestEffortCoverage');
  for (const { scriptId, url } of result as { scriptId: string; url: string }[]) {
    if (scripts.size < MAX_SCRIPTS) scripts.set(scriptId, url);
  }
  session.post('Profiler.disable');
}

/** All of them, as an attaching debugger gets them: this takes 0.2 ms for each, so only if V8 has forgotten one and they are not many. */
function readParsedScripts(session: OwnSession): void {
  if (scripts.size > MAX_PARSED) return;
  const parsed = session.eventsOf('Debugger.enable', 'Debugger.scriptParsed') as { scriptId: string; url: string }[];
  session.post('Debugger.disable');
  for (const { scriptId, url } of parsed) if (scripts.size < MAX_SCRIPTS) scripts.set(scriptId, url);
}
