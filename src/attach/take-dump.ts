import { existsSync, unlinkSync } from 'node:fs';
import type { Dump, DumpedThread, SuspendedCalls } from '../async-dump/dump.ts';
import { exactCalls } from '../async-dump/exact-calls.ts';
import { quickCalls } from '../async-dump/quick-calls.ts';
import { isWritten } from '../protocol/answers.ts';
import type { DumpMode, DumpPart, InventoryPart, ThreadPart } from '../protocol/dump-parts.ts';
import type { Inventory, InventoryFiles } from '../protocol/inventory.ts';
import type { FrameMapper } from '../recording/source-maps.ts';
import { threadName } from '../recording/thread-name.ts';
import type { Frame } from '../recording/types.ts';
import type { Connection } from './connect.ts';
import { gatherThreads, type PartReader } from './gather-threads.ts';
import { loadedMapper } from './take-loaded-maps.ts';
import { endedText, TargetError } from './target-error.ts';
import { strangeAnswer } from './wire.ts';

/** Between two parts: a heap snapshot of 10 GB takes about that long. */
const PART_TIMEOUT_MS = 20 * 60_000;

export interface DumpOptions {
  mode: DumpMode;
  /** Called with the progress, in a few words. */
  onProgress?: (words: string) => void;
}

/** The result of one thread. */
interface ThreadParts {
  threadId: number;
  about: ThreadPart;
  frames: Frame[];
  groups: Inventory['groups'];
  inventory: InventoryPart;
}

/** Asks for a dump of all threads and makes it readable. Heap snapshots are removed, whatever happens. */
export async function takeDump(connection: Connection, { mode, onProgress = () => {} }: DumpOptions): Promise<Dump> {
  const { pid, argv, nodeVersion, level, uptimeMs } = connection.hello;
  const takenAt = new Date().toISOString();
  const files: InventoryFiles[] = [];
  const keep = (some: InventoryFiles): void => {
    // They are removed in the end; files that the agent has not written are not touched.
    const areIts = [some.snapshot, some.index].every((file) => isWritten(file, connection.hello));
    if (!areIts) throw strangeAnswer(pid, 'dump');
    files.push(some);
  };
  try {
    const gathered = await gatherThreads(connection, {
      method: 'dump',
      params: { mode },
      timeoutMs: PART_TIMEOUT_MS,
      what: 'dump',
      readerFor: (threadId) => readThread(threadId, keep, onProgress),
    });
    const threads: DumpedThread[] = [];
    const seen = gathered.threads.flatMap(({ frames }) => frames.map(({ file }) => file));
    const map = await loadedMapper(connection, seen);
    for (const thread of gathered.threads) {
      threads.push(await toThread(thread, map, onProgress).catch(unlessGone(thread, pid)));
    }
    return { schema: 'evdiag-dump/2', pid, argv, nodeVersion, level, uptimeMs, takenAt, mode, threads };
  } finally {
    files.forEach(removeFiles);
  }
}

/** Notes the files that a part names, whatever follows. */
function readThread(
  threadId: number,
  keep: (files: InventoryFiles) => void,
  onProgress: (words: string) => void,
): PartReader<DumpPart, ThreadParts> {
  let about: ThreadPart | null = null;
  const frames: Frame[] = [];
  const groups: Inventory['groups'] = [];
  return (part) => {
    if (part.part === 'progress') onProgress(DOING[part.doing] + threadText(threadId));
    else if (part.part === 'thread') about = part;
    else if (part.part === 'frames') frames.push(...part.frames);
    else if (part.part === 'groups') groups.push(...part.groups);
    else {
      if (part.files) keep(part.files);
      return about ? { threadId, about, frames, groups, inventory: part } : { problem: 'nothing came' };
    }
    return null;
  };
}

const DOING = {
  stack: 'asking for the stack',
  calls: 'looking for suspended calls',
  heap: 'writing a heap snapshot',
} as const;

function threadText(threadId: number): string {
  return threadId === 0 ? '' : ` of ${threadName(threadId)}`;
}

/** Its agent removes the files as the process ends: what fails then is no bug. */
function unlessGone({ inventory: { files } }: ThreadParts, pid: number): (error: unknown) => never {
  return (error) => {
    const isGone = files && ![files.snapshot, files.index].every((file) => existsSync(file));
    throw isGone ? new TargetError(endedText(pid), 'ended') : error;
  };
}

async function toThread(
  thread: ThreadParts,
  map: FrameMapper,
  onProgress: (words: string) => void,
): Promise<DumpedThread> {
  const { part: _, ...about } = thread.about;
  const problem = about.problem ?? thread.inventory.problem;
  return { ...about, problem, suspended: await suspendedOf(thread, map, onProgress) };
}

async function suspendedOf(
  { threadId, frames, groups, inventory: { figures, files } }: ThreadParts,
  map: FrameMapper,
  onProgress: (words: string) => void,
): Promise<SuspendedCalls | null> {
  if (!figures) return null;
  const { promises, failed, beyond, pauseMs, probed } = figures;
  const facts = { promises, failed: failed + promises - probed, pauseMs };
  if (!files) {
    const calls = quickCalls(frames, groups);
    return { counted: 'promises', total: sum(calls) + beyond, unlisted: beyond, ...facts, calls, cycles: [] };
  }
  const report = (share: number): void =>
    onProgress(`reading the heap snapshot${threadText(threadId)}: ${Math.round(share * 100)} %`);
  const { calls, cycles } = await exactCalls(files, frames, groups, report, map);
  return { counted: 'calls', total: sum(calls), unlisted: 0, ...facts, calls, cycles };
}

function sum(groups: readonly { count: number }[]): number {
  return groups.reduce((total, { count }) => total + count, 0);
}

/** The agent removes them as well when the connection ends. */
function removeFiles({ snapshot, index }: InventoryFiles): void {
  for (const file of [snapshot, index]) {
    try {
      unlinkSync(file);
    } catch {
      // The agent has removed it.
    }
  }
}
