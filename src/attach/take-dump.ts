import { unlinkSync } from 'node:fs';
import type { Dump, DumpedThread, SuspendedCalls } from '../async-dump/dump.ts';
import { exactCalls } from '../async-dump/exact-calls.ts';
import { quickCalls } from '../async-dump/quick-calls.ts';
import type { Census, CensusFiles } from '../async-dump/types.ts';
import type { CensusPart, DumpPart, Road, ThreadPart } from '../protocol/dump-parts.ts';
import type { FrameMapper } from '../recording/source-maps.ts';
import { threadName } from '../recording/thread-name.ts';
import type { Frame } from '../recording/types.ts';
import type { Connection } from './connect.ts';
import { loadedMapper } from './take-loaded-maps.ts';

/** Between two parts: a heap snapshot of 10 GB takes about that long. */
const PART_TIMEOUT_MS = 20 * 60_000;

export interface DumpOptions {
  road: Road;
  /** Called with what is going on, in a few words. */
  onProgress?: (words: string) => void;
}

/** What came of one thread. */
interface Gathered {
  about: ThreadPart;
  frames: Frame[];
  groups: Census['groups'];
  census: CensusPart;
}

/** Asks for a dump of all threads and makes it readable. Heap snapshots are removed, whatever happens. */
export async function takeDump(connection: Connection, { road, onProgress = () => {} }: DumpOptions): Promise<Dump> {
  const { pid, argv, nodeVersion, level, uptimeMs } = connection.hello;
  const takenAt = new Date().toISOString();
  const gathered = new Map<number, Partial<Gathered>>();
  const files: CensusFiles[] = [];
  try {
    await connection.request(
      'dump',
      { road },
      { onPart: (part) => gather(part as DumpPart), timeoutMs: PART_TIMEOUT_MS },
    );
    const threads: DumpedThread[] = [];
    const seen = [...gathered.values()].flatMap(({ frames = [] }) => frames.map(({ file }) => file));
    const map = await loadedMapper(connection, seen);
    for (const thread of gathered.values()) threads.push(await toThread(thread as Gathered, map, onProgress));
    return { schema: 'evdiag-dump/1', pid, argv, nodeVersion, level, uptimeMs, takenAt, road, threads };
  } finally {
    files.forEach(removeFiles);
  }

  function gather(part: DumpPart): void {
    const thread = gathered.get(part.threadId) ?? { frames: [], groups: [] };
    gathered.set(part.threadId, thread);
    if (part.part === 'progress') onProgress(DOING[part.doing] + threadText(part.threadId));
    else if (part.part === 'thread') thread.about = part;
    else if (part.part === 'frames') thread.frames!.push(...part.frames);
    else if (part.part === 'groups') thread.groups!.push(...part.groups);
    else {
      thread.census = part;
      if (part.files) files.push(part.files);
    }
  }
}

const DOING = {
  stack: 'asking for the stack',
  calls: 'looking for suspended calls',
  heap: 'writing a heap snapshot',
} as const;

function threadText(threadId: number): string {
  return threadId === 0 ? '' : ` of ${threadName(threadId)}`;
}

async function toThread(
  thread: Gathered,
  map: FrameMapper,
  onProgress: (words: string) => void,
): Promise<DumpedThread> {
  const { part: _, ...about } = thread.about;
  const problem = about.problem ?? thread.census.problem;
  return { ...about, problem, suspended: await suspendedOf(thread, map, onProgress) };
}

async function suspendedOf(
  { frames, groups, census: { census, files, threadId } }: Gathered,
  map: FrameMapper,
  onProgress: (words: string) => void,
): Promise<SuspendedCalls | null> {
  if (!census) return null;
  const { promises, failed, beyond, pauseMs, probed } = census;
  const figures = { promises, failed: failed + promises - probed, pauseMs };
  if (!files) {
    const calls = quickCalls(frames, groups);
    return { counted: 'promises', total: sum(calls) + beyond, untold: beyond, ...figures, calls, cycles: [] };
  }
  const tell = (share: number): void =>
    onProgress(`reading the heap snapshot${threadText(threadId)}: ${Math.round(share * 100)} %`);
  const { calls, cycles } = await exactCalls(files, frames, groups, tell, map);
  return { counted: 'calls', total: sum(calls), untold: 0, ...figures, calls, cycles };
}

function sum(groups: readonly { count: number }[]): number {
  return groups.reduce((total, { count }) => total + count, 0);
}

/** The agent removes them as well when the connection ends. */
function removeFiles({ snapshot, index }: CensusFiles): void {
  for (const file of [snapshot, index]) {
    try {
      unlinkSync(file);
    } catch {
      // The agent was quicker.
    }
  }
}
