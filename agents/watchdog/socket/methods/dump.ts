import { statfsSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DumpMode, DumpPart, HandleSite, InventoryPart, ThreadPart } from '../../../../src/protocol/dump-parts.ts';
import type { Inventory, InventoryFiles } from '../../../../src/protocol/inventory.ts';
import type { DumpProgress, RawHandleSite } from '../../../../src/protocol/thread-api.ts';
import type { Header } from '../../../../src/recording/types.ts';
import { unlistedResources } from '../../../../src/recording/unlisted.ts';
import { makeRunFolder } from '../../../../src/util/run-folder.ts';
import { type RawFrame, Word } from '../../../shared-memory.ts';
import { ANSWER_MS, pause, within } from '../../ask.ts';
import { readSite } from '../../stall/call-site.ts';
import { callName } from '../../stall/marked-calls.ts';
import { askFor, requireInspector, whileConnected } from './client.ts';
import { stateOf } from './thread-state.ts';
import type { Client, DumpableThread, Method, Target } from './types.ts';

/** A thread that has not returned to its loop for this long is interrupted. */
const PATIENCE_MS = 250;
const POLL_MS = 10;
/** Times ten what was measured, for slow machines. */
const INVENTORY_TIMEOUT = { baseMs: 15_000, msPerMb: { quick: 150, full: 1000 } };
/** A thread that is interrupted near the end of its stack has no room to answer: a moment later it may have. */
const MAX_FAILURES = 5;
/** Rows in one message. */
const CHUNK = 500;
/** Bytes of a snapshot's file per byte of heap, and its index. */
const FILE_RATIO = 2.5;

const NO_ANSWER = `The thread did not answer within ${ANSWER_MS / 1000} s: it is inside a native call.`;
const WAITS =
  'The thread waits in Atomics.wait. It is not interrupted there, as that could keep it from being terminated.';
const TIMED = 'The thread is not interrupted while a script of node:vm runs that a timeout or Ctrl-C may end.';
const UNREAD = 'Timers and handles could not be read.';
const ENDED = 'The thread ended meanwhile.';

/** Stacks, suspended calls, timers and handles of each thread, in parts: `DumpPart`. */
export function createDump(target: Target): Method<'dump'> {
  let files = 0;
  const nextFiles = (heapBytes: number): InventoryFiles => {
    const name = join(roomyFolder(target.folders, heapBytes), `${snapshotPrefix(target.header)}dump${++files}`);
    return { snapshot: `${name}.heapsnapshot`, index: `${name}.index` };
  };
  return (params, client) => {
    requireInspector(target);
    const mode: DumpMode = params.mode === 'full' ? 'full' : 'quick';
    const threads = target.threads();
    const asked: DumpableThread[] = [];
    return whileConnected(client, leaveThreads(asked), async () => {
      for (const thread of threads) {
        asked.push(thread);
        await dumpThread(thread, mode, client, nextFiles);
      }
      return {};
    });
  };
}

/** Ends the work in these threads. */
export function leaveThreads(threads: readonly DumpableThread[]): () => void {
  return () => {
    for (const { capture } of threads) {
      capture.call('dump', 'endDump', []);
      capture.detach('dump');
    }
  };
}

async function dumpThread(
  thread: DumpableThread,
  mode: DumpMode,
  client: Client<DumpPart>,
  nextFiles: (heapBytes: number) => InventoryFiles,
): Promise<void> {
  const { threadId } = thread;
  const send = (part: DumpPart): Promise<void> => client.part(part);
  await send({ part: 'progress', threadId, doing: 'stack' });
  const about = await aboutThread(thread, client);
  await send(about);
  const end = (rest: Omit<InventoryPart, 'part' | 'threadId'>): Promise<void> =>
    send({ part: 'inventory', threadId, ...rest });
  if (about.state === 'no-answer' || about.state === 'ended') {
    return end({ figures: null, files: null, problem: whyNoAnswer(thread) });
  }
  const estimate = await askFor(client, thread, 'dumpEstimate', []);
  const heapBytes = estimate?.heapBytes ?? 0;
  await send({ part: 'progress', threadId, doing: mode === 'full' ? 'heap' : 'calls' });
  let files: InventoryFiles | null = null;
  try {
    files = mode === 'full' ? nextFiles(heapBytes) : null;
    const inventory = await takeInventory(thread, files, timeoutMs(mode, heapBytes), client);
    await sendInventory(thread, inventory, send);
    const { frames: _, groups: __, ...figures } = inventory;
    await end({ figures, files, problem: null });
  } catch (error) {
    if (files) remove(files);
    await end({ figures: null, files: null, problem: (error as Error).message });
  } finally {
    if (files) client.onGone(remove.bind(null, files));
  }
}

export function timeoutMs(mode: DumpMode, heapBytes: number): number {
  return INVENTORY_TIMEOUT.baseMs + (INVENTORY_TIMEOUT.msPerMb[mode] * heapBytes) / 1e6;
}

function whyNoAnswer({ threadId, capture, shared }: DumpableThread, otherwise = NO_ANSWER): string {
  if (capture.hasEnded()) return ENDED;
  if (threadId !== 0 && Atomics.load(shared.control, Word.Waiting) > 0) return WAITS;
  return Atomics.load(shared.control, Word.Terminable) > 0 ? TIMED : otherwise;
}

async function aboutThread(thread: DumpableThread, client: Client<DumpPart>): Promise<ThreadPart> {
  const { state, stack } = await stateOf(
    () => thread.capture.hasEnded(),
    () => askFor(client, thread, 'stack', [{}]),
  );
  const resources = stack ? await askFor(client, thread, 'resources', []) : null;
  const sites = (stack && (await askFor(client, thread, 'handleSites', []))) || [];
  await mapsFor(thread, [
    ...(stack?.frames ?? []),
    ...(resources?.timers ?? []).map(({ callback }) => callback),
    ...sites.flatMap(({ frames }) => frames),
  ]);
  const frames = stack?.frames.map(thread.toFrame) ?? [];
  const unlisted = unlistedResources(process.version);
  const failedConnections = resources?.failedConnections ?? [];
  return {
    part: 'thread',
    threadId: thread.threadId,
    state,
    stack: frames,
    syncCall: runningCall(thread),
    timers: (resources?.timers ?? []).map((timer) => ({ ...timer, callback: thread.toFrame(timer.callback) })),
    handles: resources?.handles ?? [],
    ...(failedConnections.length > 0 && { failedConnections }),
    ...(unlisted !== null && { unlisted }),
    more: resources?.more ?? 0,
    handleSites: groupSites(thread, sites),
    problem: stack && resources ? (resources.problem ?? null) : whyNoAnswer(thread, stack ? UNREAD : NO_ANSWER),
  };
}

/** Waits for the maps of files that were compiled while they were loaded, if the thread can answer. */
export async function mapsFor({ maps, toFrame }: DumpableThread, frames: readonly RawFrame[]): Promise<void> {
  await within<void>(ANSWER_MS, (use) => maps.mapped(() => frames.forEach(toFrame), use));
}

function groupSites({ toFrame }: DumpableThread, sites: readonly RawHandleSite[]): HandleSite[] {
  const groups = new Map<string, HandleSite>();
  for (const { type, ageMs, ref, frames } of sites) {
    const mapped = frames.map(toFrame);
    const place = mapped.find(({ category }) => category === 'application') ?? mapped[0] ?? null;
    const key = `${type} ${ref} ${place?.function} ${place?.file}:${place?.line}:${place?.column}`;
    const known = groups.get(key);
    if (!known) groups.set(key, { count: 1, type, ageMs, ref, place });
    else {
      known.count++;
      known.ageMs = Math.max(known.ageMs, ageMs);
    }
  }
  return [...groups.values()].sort((a, b) => b.count - a.count);
}

/** What the wrapper of a synchronous call has marked. */
function runningCall({ shared, marks, toFrame }: DumpableThread): ThreadPart['syncCall'] {
  const call = marks.running();
  if (!call) return null;
  return { name: callName(call), stack: (readSite(shared) ?? []).map(toFrame) };
}

/** Begins the inventory and continues until it is done. Throws a sentence if it fails. */
async function takeInventory(
  thread: DumpableThread,
  files: InventoryFiles | null,
  ms: number,
  client: Client<DumpPart>,
): Promise<Inventory> {
  const begin = (): Promise<unknown> => askFor(client, thread, 'beginDump', [files]);
  const answer = await workInThread(thread, begin, ms, client);
  if ('inventory' in answer) return answer.inventory;
  throw new Error('The thread answered something else.');
}

/** Begins a piece of work and lets the thread continue until it is done. Throws a sentence if it fails. */
export async function workInThread(
  thread: DumpableThread,
  begin: () => Promise<unknown>,
  ms: number,
  client: Client<DumpPart>,
): Promise<Extract<DumpProgress, { inventory: Inventory } | { snapshot: object }>> {
  if ((await begin()) === undefined) throw new Error(NO_ANSWER);
  let failures = 0;
  let waitedMs = 0;
  for (;;) {
    const answer = await askFor(client, thread, 'dump', [waitedMs > PATIENCE_MS], ms);
    if (answer === undefined) throw new Error(`The thread did not answer within ${Math.round(ms / 1000)} s.`);
    if (answer === null && thread.capture.hasEnded()) throw new Error(ENDED);
    if (answer === null && ++failures > MAX_FAILURES) throw new Error('The thread cannot answer: its stack is full.');
    if (answer && 'problem' in answer) throw new Error(answer.problem);
    if (answer && !('waits' in answer)) {
      thread.capture.call('dump', 'endDump', []);
      return answer;
    }
    waitedMs = answer?.waits ? waitedMs + POLL_MS : 0;
    await pause(answer?.waits === false ? 1 : POLL_MS);
  }
}

async function sendInventory(
  thread: DumpableThread,
  { frames, groups }: Inventory,
  send: (part: DumpPart) => Promise<void>,
): Promise<void> {
  const { threadId } = thread;
  await mapsFor(thread, frames);
  for (let i = 0; i < frames.length; i += CHUNK) {
    await send({ part: 'frames', threadId, frames: frames.slice(i, i + CHUNK).map(thread.toFrame) });
  }
  for (let i = 0; i < groups.length; i += CHUNK) {
    await send({ part: 'groups', threadId, groups: groups.slice(i, i + CHUNK) });
  }
}

/** How the names of this process's files begin: with its number and start, because containers reuse numbers. */
export function snapshotPrefix({ pid, startedAt }: Header): string {
  return `${pid}-${Date.parse(startedAt)}-`;
}

/** A folder with room for a snapshot: the run-time folder is often in memory. */
export function roomyFolder(folders: readonly string[], heapBytes: number): string {
  for (const folder of folders) {
    try {
      makeRunFolder(folder);
      const { bavail, bsize } = statfsSync(folder);
      if (bavail * bsize > heapBytes * FILE_RATIO) return folder;
    } catch {
      // Then another one.
    }
  }
  throw new Error(
    `There is no room for a heap snapshot of ${Math.round((heapBytes * FILE_RATIO) / 1e6)} MB in ${tmpdir()}.`,
  );
}

function remove({ snapshot, index }: InventoryFiles): void {
  for (const file of [snapshot, index]) {
    try {
      unlinkSync(file);
    } catch {
      // The client has removed it.
    }
  }
}
