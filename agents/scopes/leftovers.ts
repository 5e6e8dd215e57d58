import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Leftover, LeftoverKind } from '../../src/library/types.ts';
import { functionKey, toLocation } from '../../src/recording/places.ts';
import type { Location } from '../../src/recording/types.ts';
import type { FollowedHandle } from '../agent/tracking/handle-state.ts';
import { isNodes } from '../agent/tracking/sites.ts';
import { monotonicMs } from '../primordials.ts';
import type { RawFrame } from '../shared-memory.ts';
import { placeOf } from '../watchdog/stall/classify.ts';
import type { FollowedCall } from './calls.ts';
import type { FollowedFile } from './files.ts';
import { kindOf, wordsOf } from './handle-words.ts';
import type { FollowedListener } from './listeners.ts';
import type { FollowedRequest } from './requests.ts';
import { toFrame } from './run-sources.ts';
import { listenFrames } from './servers.ts';

const MAX_CALLERS = 4;
/** The built files and their sources, for our own tests. */
const OUR_FOLDERS = [__dirname, join(__dirname, '../src/library')].flatMap((folder) => [
  folder,
  pathToFileURL(folder).href,
]);

/** One thing that is left. */
export type LeftThing = Omit<Leftover, 'count' | 'ageMs'> & { startMs: number };

export function describeHandle(one: FollowedHandle): LeftThing | null {
  const { site, startMs, ref } = one;
  const kind = kindOf(site.type);
  const resource = ref.deref();
  if (!kind || !resource || isStandardStream(resource, site.frames) || isPartOfAnother(kind, site.frames)) return null;
  const frames = kind === 'server' ? (listenFrames(resource) ?? site.frames) : site.frames;
  return describe(kind, wordsOf(kind, site.type, resource), frames, startMs, isReferenced(resource));
}

export function describeFile({ path, frames, startMs }: FollowedFile): LeftThing | null {
  return describe('file', path ? `file ${path}` : 'file handle', frames, startMs, true);
}

export function describeRequest(one: FollowedRequest): LeftThing | null {
  const { frames, startMs, isUpgrade } = one;
  const what = `${isUpgrade ? 'WebSocket' : 'request'} ${one.words()}`.trim();
  const handle = one.socket()?._handle;
  return describe(isUpgrade ? 'socket' : 'request', what, frames, startMs, handle ? isReferenced(handle) : true);
}

/**
 * Without things that belong to another one: the connection of a request, and of the listeners that Node adds for
 * `events.once` those that a suspended call waits for.
 */
export function withoutParts(things: LeftThing[], onceListeners: LeftThing[]): LeftThing[] {
  const linesOf = (wanted: LeftoverKind): Set<string> =>
    new Set(things.filter(({ kind }) => kind === wanted).map(lineOf));
  const requests = linesOf('request');
  const calls = linesOf('suspended-call');
  return [
    ...things.filter((one) => !(isConnecting(one) && requests.has(lineOf(one)))),
    ...onceListeners.filter((one) => !calls.has(lineOf(one))),
  ];
}

function isConnecting({ kind, what }: LeftThing): boolean {
  return (kind === 'socket' && what.startsWith('socket')) || what === 'DNS lookup';
}

function lineOf({ location }: LeftThing): string {
  return location ? `${location.file}:${location.line}` : '';
}

export function describeListener(one: FollowedListener, frames: RawFrame[] | null): LeftThing | null {
  const target = one.target.deref();
  if (!frames || !target) return null;
  const what = `listener of '${String(one.event)}' on ${nameOf(target)}`;
  return describe('listener', what, frames, one.startMs, false);
}

/** Only those of the application itself: awaits of packages are not its own. */
export function describeCall(call: FollowedCall, frames: RawFrame[] | null): LeftThing | null {
  if (!frames) return null;
  const what = 'suspended async call';
  if (frames.length === 0) return { ...NOWHERE, kind: 'suspended-call', what, startMs: call.startMs };
  const top = frames.find(isNotOurs);
  if (!top || toFrame(top).category !== 'application') return null;
  return describe('suspended-call', what, frames, call.startMs, false);
}

const NOWHERE = { location: null, callers: [], referenced: false } as {
  location: null;
  callers: [];
  referenced: false;
};

function describe(
  kind: LeftoverKind,
  what: string,
  raw: RawFrame[],
  startMs: number,
  referenced: boolean,
): LeftThing | null {
  const frames = insideCall(raw);
  // Made by us, or by Node for itself.
  if (frames.every(isNodes)) return null;
  const mapped = frames.map(toFrame);
  const callers = mapped.filter(({ category }) => category === 'application').slice(1, 1 + MAX_CALLERS);
  return { kind, what, location: placeOf(mapped), callers: callers.map(toLocation), startMs, referenced };
}

/** Without evdiag's own frames, and without the caller of `watch`: the work begins there. */
function insideCall(raw: RawFrame[]): RawFrame[] {
  const first = raw.findIndex((frame) => isNotOurs(frame) && !isNodes(frame));
  const outer = raw.findIndex((frame, i) => i > first && !isNotOurs(frame) && !frame[1]?.endsWith('agent.cjs'));
  return (outer < 0 ? raw : raw.slice(0, outer)).filter(isNotOurs);
}

/** Frames of evdiag's own files: this bundle, the library and the agent. */
export function isNotOurs([, url]: RawFrame): boolean {
  return url === null || !OUR_FOLDERS.some((folder) => url.startsWith(folder));
}

/** process.stdout and the like, which Node makes when they are first used. */
function isStandardStream(resource: object, frames: RawFrame[]): boolean {
  const { fd } = resource as { fd?: unknown };
  if (typeof fd === 'number' && fd >= 0 && fd <= 2) return true;
  return frames.some(([, url]) => url?.startsWith('node:internal/bootstrap/') === true);
}

/** Pipes of a child process and ports of a worker, which are represented by these. */
function isPartOfAnother(kind: LeftoverKind, frames: RawFrame[]): boolean {
  const made = (part: string): boolean => frames.some(([, url]) => url?.startsWith(`node:${part}`) === true);
  if (kind === 'pipe') return made('internal/child_process') || made('child_process');
  if (kind === 'message-port') return made('internal/worker');
  return false;
}

function isReferenced(resource: object): boolean {
  const { hasRef } = resource as { hasRef?: unknown };
  if (typeof hasRef !== 'function') return true;
  try {
    return Reflect.apply(hasRef, resource, []) !== false;
  } catch {
    return true;
  }
}

function nameOf(target: object): string {
  if (target === process) return 'process';
  const name = (target.constructor as { name?: unknown } | undefined)?.name;
  return typeof name === 'string' && name !== '' ? name : 'an object';
}

/** Equal things at one place as one, the largest counts first. */
export function together(things: readonly LeftThing[]): Leftover[] {
  const now = monotonicMs();
  const all = new Map<string, Leftover>();
  for (const { startMs, ...thing } of things) {
    const key = `${thing.kind} ${thing.what} ${placeKey(thing.location)}`;
    const known = all.get(key);
    if (!known) all.set(key, { ...thing, count: 1, ageMs: now - startMs });
    else {
      known.count++;
      known.ageMs = Math.max(known.ageMs, now - startMs);
      known.referenced ||= thing.referenced;
    }
  }
  return [...all.values()].sort((a, b) => b.count - a.count || b.ageMs - a.ageMs);
}

function placeKey(location: Location | null): string {
  return location ? `${functionKey(location)}:${location.line}:${location.column}` : '';
}
