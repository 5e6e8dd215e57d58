import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fullMemoryBytes, snapshotPauseMs } from '../async-dump/estimate.ts';
import type { Connection } from '../attach/connect.ts';
import { takeSnapshot } from '../attach/take-snapshot.ts';
import { TargetError } from '../attach/target-error.ts';
import type { SnapshotInput } from '../leaks/analyse.ts';
import { InputError } from '../recording/reader.ts';
import { threadName } from '../recording/thread-name.ts';
import { makeFolders } from '../util/make-folders.ts';
import { makeTemporaryFolder } from '../util/temporary-folder.ts';
import { formatBytes, formatMs } from '../util/text.ts';
import { nodeCode } from '../util/user-error.ts';
import { ANNOUNCED_MS, type Costs, estimateOf } from './dump-costs.ts';
import { complain } from './output.ts';
import { countDown, progressLine, question } from './progress.ts';
import { reach, type VisitOptions } from './target/visit.ts';

const DEFAULT_WAIT_S = 10;

export interface SnapshotOptions extends VisitOptions {
  steps: number;
  thread?: string;
  wait?: number;
  out?: string;
  keep?: boolean;
  yes?: boolean;
  force?: boolean;
}

/** What heap snapshots were taken of. */
export interface SnapshotSource {
  threadId: number;
  /** The folder of its recordings. */
  family: string;
  /** Where a report belongs that is kept beside the snapshots; null if they are not kept. */
  kept: string | null;
}

/**
 * Takes heap snapshots of a thread and hands them on; removes them afterwards unless they are to be kept. Null where the user does not
 * want it. Throws TargetError.
 */
export async function withSnapshots<T>(
  pid: number,
  options: SnapshotOptions,
  use: (taken: SnapshotInput[], from: SnapshotSource) => Promise<T>,
): Promise<T | null> {
  const place = openPlace(pid, options);
  try {
    const visit = await reach(pid, { ...options, consent: consentTo(pid, options) });
    const { connection } = visit;
    const { family, threads } = connection.hello;
    let threadId: number;
    let taken: SnapshotInput[];
    try {
      threadId = threadIdOf(options.thread, threads);
      const costs = await estimateOf(connection, threadId);
      if (!(await isWanted(pid, costs, options))) return null;
      taken = await takeAll(connection, threadId, place.file, { ...options, snapshotMs: costs.snapshotMs });
    } finally {
      await visit.end();
    }
    if (place.kept) complain(`The snapshots are in "${place.folder}". They hold whatever the process had in memory.`);
    return await use(taken, { threadId, family, kept: place.kept ? place.report : null });
  } finally {
    place.close();
  }
}

interface Place {
  folder: string;
  kept: boolean;
  file(step: number): string;
  report: string;
  close(): void;
}

/** A folder that only this user can read; without `--keep` or `--out` it goes when evdiag does, also by Ctrl-C. */
function openPlace(pid: number, { out, keep }: SnapshotOptions): Place {
  const kept = out !== undefined || keep === true;
  const folder = kept ? (out ?? '.') : makeTemporaryFolder('leaks');
  try {
    makeFolders(folder);
  } catch (error) {
    throw new InputError(`"${folder}" cannot be made (${nodeCode(error)}).`);
  }
  const stamp = new Date().toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15);
  const remove = (): void => {
    if (!kept) rmSync(folder, { recursive: true, force: true });
  };
  const interrupted = (): void => {
    remove();
    process.exit(130);
  };
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted);
  return {
    folder,
    kept,
    file: (step) => join(folder, `heap-${pid}-${stamp}-${step}.heapsnapshot`),
    report: join(folder, `leaks-${pid}-${stamp}.json`),
    close() {
      process.off('SIGINT', interrupted).off('SIGTERM', interrupted);
      remove();
    },
  };
}

/** By its name, "worker 2", or its number; the main thread if none is given. Throws TargetError if there is no such thread. */
function threadIdOf(wanted: string | undefined, threads: readonly number[]): number {
  if (wanted === undefined) return 0;
  const found = threads.find((id) =>
    [String(id), threadName(id), threadName(id).replace(' thread', '')].includes(wanted),
  );
  if (found !== undefined) return found;
  throw new TargetError(`No thread is named "${wanted}". There are: ${threads.map(threadName).join(', ')}.`);
}

/** Where nobody can be asked and the pause would be refused, the agent need not come first. */
function consentTo(pid: number, options: SnapshotOptions): (heapBytes: number) => void {
  return (heapBytes) => {
    const costs = { snapshotMs: snapshotPauseMs(heapBytes), snapshotBytes: fullMemoryBytes(heapBytes) };
    if (!options.yes && !mayAsk() && costs.snapshotMs > ANNOUNCED_MS) {
      throw new InputError(`${announcement(pid, costs, options)}. Add --yes.`);
    }
  };
}

function mayAsk(): boolean {
  return process.stdin.isTTY && process.stderr.isTTY;
}

type Announced = Pick<Costs, 'snapshotMs' | 'snapshotBytes'>;

function announcement(pid: number, { snapshotMs, snapshotBytes }: Announced, options: SnapshotOptions): string {
  const { steps, thread } = options;
  const times = steps === 1 ? '' : ` ${steps} times`;
  const what = thread === undefined ? `process ${pid}` : `"${thread}" of process ${pid}`;
  return `This pauses ${what}${times} for about ${formatMs(snapshotMs)}, and takes about ${formatBytes(snapshotBytes)} of memory`;
}

/** Announces the cost; a pause that would be noticed is asked for. Throws InputError. */
async function isWanted(pid: number, costs: Costs, options: SnapshotOptions): Promise<boolean> {
  const { yes, force } = options;
  const { snapshotMs, snapshotBytes, availableBytes } = costs;
  if (!force && availableBytes < snapshotBytes) {
    throw new InputError(
      `A heap snapshot needs about ${formatBytes(snapshotBytes)} of memory, ${formatBytes(availableBytes)} are available. Add --force to try.`,
    );
  }
  const announced = announcement(pid, costs, options);
  if (yes || snapshotMs <= ANNOUNCED_MS) return true;
  if (!mayAsk()) throw new InputError(`${announced}. Add --yes.`);
  return /^y/i.test(await question(`${announced}. Go on? y or n: `));
}

async function takeAll(
  connection: Connection,
  threadId: number,
  file: (step: number) => string,
  options: SnapshotOptions & { snapshotMs: number },
): Promise<SnapshotInput[]> {
  const { steps, snapshotMs } = options;
  const taken: SnapshotInput[] = [];
  const progress = progressLine();
  try {
    for (let step = 1; step <= steps; step++) {
      if (step > 1) await waitForTraffic(step, options, progress.show);
      progress.clear();
      const shown = countDown(`writing snapshot ${step} of ${steps}`, snapshotMs);
      try {
        const written = await takeSnapshot(connection, file(step), threadId);
        taken.push({ file: written.file, takenAtMs: written.takenAtMs });
      } finally {
        shown();
      }
    }
    return taken;
  } finally {
    progress.clear();
  }
}

async function waitForTraffic(
  step: number,
  { wait, steps, yes }: SnapshotOptions,
  show: (words: string) => void,
): Promise<void> {
  if (wait === undefined && mayAsk() && !yes) {
    await question(`Snapshot ${step - 1} of ${steps} is taken. Let the process work, then press Enter: `);
    return;
  }
  const until = Date.now() + (wait ?? DEFAULT_WAIT_S) * 1000;
  for (let left = until - Date.now(); left > 0; left = until - Date.now()) {
    show(`snapshot ${step - 1} of ${steps} is taken, the next in ${Math.ceil(left / 1000)} s`);
    await pause(Math.min(1000, left));
  }
}
