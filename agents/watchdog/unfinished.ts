import { UNFINISHED_ENTRIES } from '../../src/recording/defaults.ts';
import { toLocation } from '../../src/recording/places.ts';
import type {
  AbortedRow,
  ConnectionsRow,
  Frame,
  HttpPool,
  LookupsRow,
  OrphansRow,
  RejectionRow,
  SerialRow,
  SuspendedRow,
  UnfinishedEntry,
  UnfinishedRow,
  UpstreamsRow,
  WaitsRow,
  Work,
} from '../../src/recording/types.ts';
import { leastOf, mostOf } from '../../src/util/known.ts';
import type { RawFrame } from '../shared-memory.ts';
import type { RawPool, RawSite, RawTracked } from '../tracked.ts';
import { nestedAsks } from './nested-asks.ts';
import { outgoingRows } from './outgoing-rows.ts';
import { createSerialRows } from './serial-rows.ts';
import { atAwait, awaitedTexts, isVoid } from './source-text.ts';
import { placeOf } from './stall/classify.ts';
import { NOWHERE, type Place, placeOfAll } from './tracked-places.ts';
import { isProgram, waitsRow } from './waiting-rows.ts';

/** Of an aborted unit of work. */
const MAX_LEFTOVERS = 20;
/** The source is not read for what a younger await waits for. */
const OLD_MS = 2000;

type WithoutTime<T> = Omit<T, 't'>;
export type TrackedRow =
  | WithoutTime<UnfinishedRow>
  | WithoutTime<SuspendedRow>
  | WithoutTime<AbortedRow>
  | WithoutTime<OrphansRow>
  | WithoutTime<RejectionRow>
  | WithoutTime<WaitsRow>
  | WithoutTime<SerialRow>
  | WithoutTime<ConnectionsRow>
  | WithoutTime<LookupsRow>
  | WithoutTime<UpstreamsRow>;

/** Makes rows from what the tracking of a thread reports: places in the original sources, equal ones together. */
export function createUnfinished(toFrame: (raw: RawFrame) => Frame): (tracked: RawTracked) => TrackedRow[] {
  const places = new Map<number, Place>();
  const ways = new Map<number, Frame[]>();
  const serialRow = createSerialRows(toFrame);

  const toEntry = (site: RawSite): UnfinishedEntry => {
    const { id, madeBy, callee: _callee, ...counts } = site;
    const place = places.get(id) ?? NOWHERE;
    const maker = madeBy && (places.get(madeBy.id) ?? NOWHERE);
    return {
      ...counts,
      ...place,
      madeBy: madeBy && { what: madeBy.what, type: madeBy.type, via: maker!.via, location: maker!.location },
    };
  };

  return ({ rejections, unfinished }) => {
    const rows = rejectionRows(rejections, toFrame);
    if (!unfinished) return rows;
    const {
      sites,
      frames,
      aborted: _aborted,
      orphans: _orphans,
      waiting,
      pools,
      fromHeap,
      serial = [],
      origins = [],
      lookups = [],
      upstreams,
      ...figures
    } = unfinished;
    const callees = new Map(
      sites.flatMap(({ id, callee }) => (callee ? [[id, toLocation(toFrame(callee))] as const] : [])),
    );
    const awaits = new Set(sites.filter(({ what }) => what === 'await').map(({ id }) => id));
    for (const [id, raw] of frames) {
      const mapped = raw.map(toFrame);
      ways.set(id, mapped.filter(isProgram));
      const place = placeOfAll(mapped);
      const callee = callees.get(id);
      if (awaits.has(id) && place.location) places.set(id, { ...place, location: atAwait(place.location) });
      else places.set(id, callee ? { ...place, callee } : place);
    }
    const entries = merge(sites.map(toEntry));
    const nested = nestedOf(sites, ways);
    rows.push(fromHeap ? { type: 'suspended', entries } : { type: 'unfinished', ...figures, entries, ...nested });
    const inTurn = serialRow(serial, figures.trackedMs);
    if (inTurn) rows.push(inTurn);
    rows.push(...outgoingRows({ origins, lookups, ...(upstreams && { upstreams }) }, figures.trackedMs, toFrame));
    if (waiting.length + pools.length > 0) {
      rows.push({ ...waitsRow(waiting, figures.trackedMs, toFrame), pools: poolsOf(pools, toFrame) });
    }
    rows.push(...cancelledRows(unfinished, toFrame));
    return rows;
  };
}

function rejectionRows(rejections: RawTracked['rejections'], toFrame: (raw: RawFrame) => Frame): TrackedRow[] {
  return rejections.map(({ stack, call, ...rest }) => ({
    type: 'rejection',
    ...rest,
    location: placeOf(parseStack(stack).map(toFrame)),
    call: call && placeOf(call.map(toFrame)),
  }));
}

function nestedOf(sites: readonly RawSite[], ways: ReadonlyMap<number, Frame[]>): Pick<UnfinishedRow, 'nested'> {
  const nested = nestedAsks(sites, (id) => ways.get(id));
  return nested.length > 0 ? { nested } : {};
}

/** Promises that went on after one of them had failed, and what is left of aborted units of work. */
function cancelledRows(
  { orphans, aborted }: Pick<NonNullable<RawTracked['unfinished']>, 'orphans' | 'aborted'>,
  toFrame: (raw: RawFrame) => Frame,
): TrackedRow[] {
  const rows: TrackedRow[] = [];
  for (const { frames: raw, ...rest } of orphans) {
    const { location, callers } = placeOfAll(raw.map(toFrame));
    rows.push({ type: 'orphans', ...rest, location, callers });
  }
  for (const { abortedAt, scope, leftovers, sinceMs } of aborted) {
    rows.push({
      type: 'aborted',
      sinceMs,
      abortedAt: abortedAt && placeOf(abortedAt.map(toFrame)),
      scope: placeOf(scope.map(toFrame)),
      leftovers: leftovers.slice(0, MAX_LEFTOVERS).map(({ frames: raw, ...rest }) => {
        const { location, callers, via } = placeOfAll(raw.map(toFrame));
        return { ...rest, location, callers, via };
      }),
    });
  }
  return rows;
}

function poolsOf(pools: readonly RawPool[], toFrame: (raw: RawFrame) => Frame): HttpPool[] {
  const at = (frames: readonly RawFrame[]): Pick<Place, 'location' | 'callers' | 'package'> => {
    const { location, callers, package: maker } = placeOfAll(frames.map(toFrame));
    return { location, callers, ...(maker !== undefined && { package: maker }) };
  };
  return pools.map(({ held, queued, ...pool }) => {
    const { package: _package, ...waits } = at(queued);
    const all = held.map(({ frames, ...one }) => ({ ...one, ...at(frames) }));
    const maker = all.find((one) => one.package !== undefined)?.package;
    const places = all.map(({ package: _maker, ...one }) => one);
    return { ...pool, ...(maker !== undefined && { package: maker }), queued: waits, held: places };
  });
}

/** Of one line of the application, whatever called it: the callers of the largest one represent all. */
function merge(entries: readonly UnfinishedEntry[]): UnfinishedEntry[] {
  const merged = new Map<string, UnfinishedEntry>();
  for (const entry of [...entries].sort((a, b) => Number(a.resumed === null) - Number(b.resumed === null))) {
    const { what, type, detail, location, resumed, package: maker = '' } = entry;
    if (what === 'call' && location && isVoid(location)) continue;
    const key = `${what} ${type} ${detail} ${what === 'call' ? maker : ''} ${location?.file}:${location?.line}:${location?.column}`;
    const seen = (resumed === null ? [false, true, null] : [resumed])
      .map((way) => merged.get(`${key} ${way}`))
      .find(Boolean);
    if (seen) add(seen, entry);
    else merged.set(`${key} ${resumed}`, { ...entry });
  }
  const all = [...merged.values()].sort((a, b) => importance(b) - importance(a)).slice(0, UNFINISHED_ENTRIES);
  for (const entry of all) {
    if (entry.what !== 'await' || entry.oldestMs < OLD_MS || !entry.location) continue;
    const texts = awaitedTexts(entry.location);
    if (texts) Object.assign(entry, texts);
  }
  return all;
}

function add(sum: UnfinishedEntry, entry: UnfinishedEntry): void {
  // By position, whatever the caller.
  sum.endedSinceOldest = Math.max(sum.endedSinceOldest, entry.endedSinceOldest);
  sum.created += entry.created;
  sum.ended += entry.ended;
  sum.lost += entry.lost;
  sum.followed =
    sum.what === 'listener'
      ? Math.max(sum.followed ?? 0, entry.followed ?? 0)
      : (sum.followed ?? 0) + (entry.followed ?? 0);
  sum.peak += entry.peak;
  sum.referenced += entry.referenced;
  if (entry.pinned !== undefined) sum.pinned = (sum.pinned ?? 0) + entry.pinned;
  sum.floating += entry.floating;
  sum.rejected += entry.rejected;
  sum.alive = sum.what === 'listener' ? Math.max(sum.alive, entry.alive) : sum.alive + entry.alive;
  sum.oldestMs = Math.max(sum.oldestMs, entry.oldestMs);
  sum.onOne = Math.max(sum.onOne ?? 0, entry.onOne ?? 0);
  sum.madeBy ??= entry.madeBy;
  if (entry.work) sum.work = mergedWork(sum.work ?? [], entry.work);
  sum.endedLeastMs = leastOf(sum.endedLeastMs, entry.endedLeastMs);
  sum.usualMs = mostOf(sum.usualMs, entry.usualMs);
  sum.slowMs = mostOf(sum.slowMs, entry.slowMs);
  if (entry.endedMaxMs !== null) sum.endedMaxMs = Math.max(sum.endedMaxMs ?? 0, entry.endedMaxMs);
}

/** Names that an entry has at most. */
const MAX_WORK = 4;

function mergedWork(a: readonly Work[], b: readonly Work[]): Work[] {
  return [...a, ...b.filter(({ name }) => a.every((one) => one.name !== name))].slice(0, MAX_WORK);
}

function importance({ alive, lost, floating, peak }: UnfinishedEntry): number {
  return Math.max(alive, lost, floating, peak / 10);
}

/** The frames of an error's `stack`, as V8 writes it. */
function parseStack(stack: string): RawFrame[] {
  const frames: RawFrame[] = [];
  for (const text of stack.split('\n')) {
    const match = /^\s+at (?:(.*?) \()?((?:file:|node:|\/|[A-Za-z]:\\).*?):(\d+):(\d+)\)?$/.exec(text);
    if (match) frames.push([match[1] ?? '', match[2]!, Number(match[3]), Number(match[4])]);
  }
  return frames;
}
