import { closeSync, openSync, writeSync } from 'node:fs';
import { types } from 'node:util';
import { writeHeapSnapshot } from 'node:v8';
import type { Inventory, InventoryFiles } from '../protocol/inventory.ts';
import type { RawFrame } from '../recording/source-maps.ts';
import { isShortName } from '../util/code-places.ts';
import { withOwnSession } from './own-session.ts';
import { type AsyncSite, asyncSites, createProbe, NativePromise, type Probe } from './probe.ts';

/** Probed between two readings of the clock. */
const BATCH = 128;
/** Distinct chains and frames kept; promises of further ones are counted as `beyond`. */
const MAX_GROUPS = 5000;
const MAX_FRAMES = 20_000;
const NAME_LIMIT = 200;

/** In the file of a full dump, for a promise that leads to no call, and for one whose chain is not listed. */
export const LEADS_NOWHERE = -1;
export const NOT_LISTED = -2;
/** And for the promise that the caller of the dump waits for. */
export const EXCEPTED = -3;

// Kept from before the application could replace them.
const { min } = Math;
const { POSITIVE_INFINITY } = Number;
const [NativeInt32Array, NativeMap, NativeUint8Array] = [Int32Array, Map, Uint8Array];
const clock = performance.now.bind(performance);
const { isPromise } = types;

let probe: Probe | null = null;

/** The class by whose name the list of promises is found in a heap snapshot. */
class EvdiagPromises {
  promises: unknown[];
  constructor(promises: unknown[]) {
    this.promises = promises;
  }
}

export interface InventoryOptions {
  files?: InventoryFiles;
  /** A promise that is left out. */
  except?: unknown;
  /** Milliseconds of a clock that the application has not replaced. */
  now?: () => number;
}

/** An inventory that is being taken. Holds the promises until `end`. */
export interface RunningInventory {
  /** Works for this long, at least one batch; true when all are done. */
  work(ms: number): boolean;
  /** What was found so far. */
  result(): Inventory;
}

/**
 * Finds the promises of this thread's heap, and asks which suspended calls each leads to.
 *
 * V8 collects garbage first and pauses the thread for some 35 ms and 12 ms per MB of live heap. With `files`, a heap
 * snapshot is written at the same moment (50 ms per MB) and the chain of each promise beside it, so that both match.
 * Promises of other vm contexts have another Promise and are not found. Throws if this Node does not support it.
 */
export function beginInventory({ files, except, now = clock }: InventoryOptions = {}): RunningInventory {
  const from = now();
  probe ??= createProbe();
  // Before anything is written: if V8 cannot make a stack now, this throws BusyError.
  probe.sites([]);
  const promises = withOwnSession((session) => {
    const prototype = session.handleOf(NativePromise.prototype);
    const { objects } = session.post('Runtime.queryObjects', { prototypeObjectId: prototype });
    return session.valueOf((objects as { objectId: string }).objectId) as unknown[];
  });
  const groups = createGroups(promises.length);
  const excepted = except === undefined ? -1 : promises.indexOf(except);
  if (excepted >= 0) groups.groupOf[excepted] = EXCEPTED;
  let next = 0;
  let workMs = 0;
  const work = (ms: number): boolean => {
    const start = now();
    while (next < promises.length) {
      probeBatch(promises, next, groups);
      next = min(promises.length, next + BATCH);
      if (now() - start >= ms) break;
    }
    workMs += now() - start;
    return next >= promises.length;
  };
  if (files) {
    const kept = new EvdiagPromises(promises);
    writeSnapshot(files.snapshot, now);
    work(POSITIVE_INFINITY);
    writeIndex(files.index, groups.groupOf);
    kept.promises = [];
  }
  const pauseMs = now() - from;
  return {
    work,
    result: () => ({ ...groups.result(), promises: promises.length, probed: next, pauseMs, workMs }),
  };
}

function probeBatch(promises: unknown[], from: number, groups: Groups): void {
  const indexes: number[] = [];
  for (let i = from; i < from + BATCH && i < promises.length; i++) {
    // What merely inherits from Promise.prototype is no promise.
    if (isPromise(promises[i]) && groups.groupOf[i] !== EXCEPTED) indexes[indexes.length] = i;
  }
  try {
    const all = probe!.sites(indexes.map((i) => promises[i]));
    for (let i = 0; i < indexes.length; i++) groups.add(indexes[i]!, all[i]);
  } catch (error) {
    // If the thread is interrupted near the end of its stack, there is no room: what is left in the queue must not run later.
    probe = null;
    throw error;
  }
}

type Groups = ReturnType<typeof createGroups>;

/** Equal chains, counted together. */
function createGroups(length: number) {
  const groupOf = new NativeInt32Array(length).fill(LEADS_NOWHERE);
  const frames: RawFrame[] = [];
  const frameIds = new NativeMap<string, number>();
  const groups: { count: number; frames: number[] }[] = [];
  const groupIds = new NativeMap<string, number>();
  let failed = 0;
  let beyond = 0;

  const frameId = (site: AsyncSite): number => {
    const frame = toFrame(site);
    const key = frame.join('|');
    const known = frameIds.get(key);
    if (known !== undefined) return known;
    if (frames.length >= MAX_FRAMES) return NOT_LISTED;
    frameIds.set(key, frames.length);
    frames.push(frame);
    return frames.length - 1;
  };
  const groupId = (sites: AsyncSite[]): number => {
    const ids: number[] = [];
    for (let i = 0; i < sites.length; i++) ids[i] = frameId(sites[i]!);
    const key = ids.join(',');
    const known = groupIds.get(key);
    if (known !== undefined) return known;
    if (groups.length >= MAX_GROUPS || ids.includes(NOT_LISTED)) return NOT_LISTED;
    groupIds.set(key, groups.length);
    groups.push({ count: 0, frames: ids });
    return groups.length - 1;
  };
  return {
    groupOf,
    add(index: number, sites: AsyncSite[] | undefined): void {
      if (!sites) failed++;
      const chain = asyncSites(sites);
      if (chain.length === 0) return;
      const id = groupId(chain);
      groupOf[index] = id;
      if (id === NOT_LISTED) beyond++;
      else groups[id]!.count++;
    },
    result: () => ({ frames, groups, failed, beyond }),
  };
}

function toFrame(site: AsyncSite): RawFrame {
  const name = (site.getFunctionName() ?? '').slice(0, NAME_LIMIT);
  // Code made by `eval` has no file, but an origin.
  const url = site.getFileName() ?? site.getEvalOrigin() ?? null;
  // Of the built-ins, Promise.all, allSettled and any are listed.
  if (url === null) return [`Promise.${name}`, null, 0, 0, 1];
  const frame: RawFrame = [name, url, site.getLineNumber() ?? 0, site.getColumnNumber() ?? 0, 1];
  if (isShortName(name)) frame.push(`${site.getEnclosingLineNumber()}:${site.getEnclosingColumnNumber()}`);
  return frame;
}

/** Writes a heap snapshot to a new file that only this user can read; V8 collects garbage before. Returns how many ms that took. */
export function writeSnapshot(file: string, now: () => number): number {
  const from = now();
  createPrivate(file);
  writeHeapSnapshot(file);
  return now() - from;
}

function createPrivate(file: string): void {
  closeSync(openSync(file, 'wx', 0o600));
}

/** 32-bit numbers: the group of each promise, in the order of the snapshot's list. */
function writeIndex(file: string, groupOf: Int32Array): void {
  const bytes = new NativeUint8Array(groupOf.buffer);
  const descriptor = openSync(file, 'wx', 0o600);
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at);
  } finally {
    closeSync(descriptor);
  }
}
