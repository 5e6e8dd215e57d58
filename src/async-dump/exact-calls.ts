import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { awaitCycles } from '../heap/await-cycles.ts';
import { readSnapshot } from '../heap/read-snapshot.ts';
import { type Settler, whatSettles } from '../heap/settlers.ts';
import type { HeapSnapshot } from '../heap/snapshot.ts';
import { type SuspendedCall, suspendedCalls } from '../heap/suspended-calls.ts';
import type { Inventory, InventoryFiles } from '../protocol/inventory.ts';
import { createFrameMapper, type FrameMapper, functionFrame } from '../recording/source-maps.ts';
import type { Frame } from '../recording/types.ts';
import type { AwaitCycle, CallGroup, SettledBy } from './dump.ts';
import { EXCEPTED, LEADS_NOWHERE } from './inventory.ts';
import { callGroup } from './quick-calls.ts';
import { onlyAwait } from './source-text.ts';

/** The class that holds the list of promises, see inventory.ts. */
const LIST_CLASS = 'EvdiagPromises';
const LIST_PROPERTY = 'promises';
/** Deeper chains are cut off. */
const MAX_CHAIN = 64;
/** What settles is searched in the biggest groups, for this long. */
const MAX_SETTLERS = 400;
const SETTLERS_MS = 20_000;

/** Where a call is suspended. */
interface Place {
  frame: Frame;
  exact: boolean;
}

/**
 * Joins a heap snapshot, which has every suspended call once and who awaits it, with the probe's positions of the
 * same moment. A call whose promise has several waiters got no position from V8: it gets that of its only `await`, or
 * that of its function.
 */
export async function exactCalls(
  files: InventoryFiles,
  frames: readonly Frame[],
  groups: Inventory['groups'],
  onProgress?: (share: number) => void,
  toFrame: FrameMapper = createFrameMapper(),
): Promise<{ calls: CallGroup[]; cycles: AwaitCycle[] }> {
  const snapshot = await readSnapshot(files.snapshot, onProgress ? { onProgress: share(onProgress) } : {});
  const groupOf = await readIndex(files.index);
  const indexes = listIndexes(snapshot);
  const groupOfCall = ({ waitsFor }: SuspendedCall): number => groupOf[indexes.get(waitsFor) ?? -1] ?? LEADS_NOWHERE;
  const calls = suspendedCalls(snapshot);
  const places = placesOf(calls, (call) => frames[groups[groupOfCall(call)]?.frames[0] ?? -1], toFrame);
  const included = calls.filter((call) => groupOfCall(call) !== EXCEPTED);
  const grouped = group(included, calls, places);
  addSettlers(snapshot, calls, places, grouped);
  return { calls: grouped.map(({ group }) => group), cycles: cyclesOf(snapshot, calls, places) };
}

function share(onProgress: (share: number) => void): (done: number, total: number) => void {
  return (done, total) => onProgress(total > 0 ? done / total : 0);
}

/** The group of each promise in the list. */
async function readIndex(file: string): Promise<Int32Array> {
  const bytes = await readFile(file);
  return new Int32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
}

function placesOf(
  calls: readonly SuspendedCall[],
  firstFrame: (call: SuspendedCall) => Frame | undefined,
  toFrame: FrameMapper,
): Place[] {
  return calls.map((call) => {
    const frame = firstFrame(call);
    // For Promise.all and the like, the call is the next frame: that promise is not the one it awaits.
    if (frame && frame.file !== '') return { frame, exact: true };
    return placeOfFunction(call, toFrame);
  });
}

function placeOfFunction(call: SuspendedCall, toFrame: FrameMapper): Place {
  const { functionName: name, url, line, column } = call;
  if (url === '') return { frame: toFrame([name, null, 0, 0]), exact: false };
  const start = toFrame(functionFrame(name, url, line, column));
  const generated = pathOf(url);
  const found = generated ? onlyAwait(generated, line, column, call.kind === 'async generator') : null;
  if (found)
    return { frame: { ...toFrame([name, url, found.line, found.column]), function: start.function }, exact: true };
  return { frame: start, exact: false };
}

function pathOf(url: string): string | null {
  if (!url.startsWith('file:')) return url.startsWith('node:') ? null : url;
  try {
    return fileURLToPath(url);
  } catch {
    return null;
  }
}

/** The index of each promise in the list that the thread held when the snapshot was written. */
function listIndexes(snapshot: HeapSnapshot): Map<number, number> {
  const indexes = new Map<number, number>();
  const list = listNode(snapshot);
  if (list < 0) return indexes;
  for (let edge = snapshot.firstEdge(list); edge < snapshot.firstEdge(list + 1); edge++) {
    if (snapshot.edgeType(edge) === 'element') indexes.set(snapshot.edgeTarget(edge), snapshot.edgeNameOrIndex(edge));
  }
  return indexes;
}

/** The longest such list: an ended dump may have left an empty one. */
function listNode(snapshot: HeapSnapshot): number {
  let best = -1;
  let bestEdges = 0;
  const name = snapshot.columns.strings.find([LIST_CLASS]).get(LIST_CLASS);
  if (name === undefined) return -1;
  for (let node = 0; node < snapshot.nodeCount; node++) {
    if (snapshot.columns.nodeName[node] !== name || snapshot.nodeType(node) !== 'object') continue;
    for (let edge = snapshot.firstEdge(node); edge < snapshot.firstEdge(node + 1); edge++) {
      if (snapshot.edgeName(edge) !== LIST_PROPERTY) continue;
      const list = snapshot.edgeTarget(edge);
      const edges = snapshot.firstEdge(list + 1) - snapshot.firstEdge(list);
      if (edges > bestEdges) [best, bestEdges] = [list, edges];
    }
  }
  return best;
}

interface Grouped {
  group: CallGroup;
  /** One of the calls. */
  call: SuspendedCall;
}

/** Equal calls with equal chains above them, the most first. */
function group(
  included: readonly SuspendedCall[],
  calls: readonly SuspendedCall[],
  places: readonly Place[],
): Grouped[] {
  const groups = new Map<string, Grouped>();
  for (const call of included) {
    const chain = chainOf(call, calls, places);
    const { exact } = places[call.index]!;
    const otherAwaiters = chain.otherAwaiters;
    const key = `${exact} ${otherAwaiters} ${chain.frames.map(keyOf).join('|')}`;
    const known = groups.get(key);
    if (known) known.group.count++;
    else groups.set(key, { group: { ...callGroup(1, chain.frames, exact), otherAwaiters }, call });
  }
  return [...groups.values()].sort((a, b) => b.group.count - a.group.count);
}

function keyOf({ function: name, file, line, column }: Frame): string {
  return `${name} ${file}:${line}:${column}`;
}

/** The call and those above it, up to one that is awaited at several places. */
function chainOf(
  call: SuspendedCall,
  calls: readonly SuspendedCall[],
  places: readonly Place[],
): { frames: Frame[]; otherAwaiters: number } {
  const frames: Frame[] = [];
  const seen = new Set<number>();
  let current = call;
  for (;;) {
    seen.add(current.index);
    frames.push(places[current.index]!.frame);
    const above = current.awaitedBy.map((index) => calls[index]!);
    const [next, ...others] = above;
    if (!next || seen.has(next.index) || frames.length >= MAX_CHAIN) return { frames, otherAwaiters: 0 };
    const key = keyOf(places[next.index]!.frame);
    if (others.some(({ index }) => keyOf(places[index]!.frame) !== key)) {
      return { frames, otherAwaiters: frames.length === 1 ? above.length : 0 };
    }
    current = next;
  }
}

function addSettlers(
  snapshot: HeapSnapshot,
  calls: readonly SuspendedCall[],
  places: readonly Place[],
  grouped: readonly Grouped[],
): void {
  const endAt = performance.now() + SETTLERS_MS;
  for (const { group, call } of grouped.slice(0, MAX_SETTLERS)) {
    if (performance.now() > endAt) return;
    group.settledBy = toSettledBy(whatSettles(snapshot, call.waitsFor), calls, places);
  }
}

function toSettledBy(settler: Settler, calls: readonly SuspendedCall[], places: readonly Place[]): SettledBy {
  const { kind, name, ms, event, variable, url, call } = settler;
  const place = call === undefined ? undefined : places[calls[call]?.index ?? -1];
  return {
    kind,
    name,
    ...(ms !== undefined && { ms }),
    ...(event !== undefined && { event }),
    ...(variable !== undefined && variable !== '' && { variable }),
    ...(url !== undefined && { file: pathOf(url) ?? url }),
    ...(place && { call: place.frame }),
  };
}

function cyclesOf(snapshot: HeapSnapshot, calls: readonly SuspendedCall[], places: readonly Place[]): AwaitCycle[] {
  return awaitCycles(snapshot, calls).map(({ kind, blockedCalls, calls: members }) => ({
    kind,
    blockedCalls,
    calls: members.map(({ call, waitsForLock }) => ({ ...places[call]!.frame, lock: waitsForLock })),
  }));
}
