/**
 * What killed processes have left in the folders of sockets. Containers may share such a folder, and then a process number is
 * another process in each of them: so nothing is decided by the number, but by whether a process listens.
 */
import { lstatSync, readdirSync, type Stats, unlinkSync } from 'node:fs';
import type { connect } from 'node:net';
import { join } from 'node:path';
import { folderProblem, ownUid } from './run-folder.ts';

/** A socket is bound for a moment before it listens; a snapshot that is being written grows. */
const YOUNG_MS = 120_000;
/** Sockets asked at a time. */
const MAX_ASKED = 200;
const ANSWER_MS = 5000;

/** Whether a process listens on that socket, found by connecting, across containers too. Null: unknown. */
export function isListening(path: string, connectTo: typeof connect): Promise<boolean | null> {
  return new Promise((resolve) => {
    const socket = connectTo(path);
    const done = (answer: boolean | null): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(ANSWER_MS, () => done(null));
    socket.once('connect', () => done(true));
    socket.once('error', ({ code }: NodeJS.ErrnoException) => done(code === 'ECONNREFUSED' ? false : null));
  });
}

/** Removes sockets on which no process listens, and heap snapshots of processes that no longer listen. */
export async function removeStale(folders: readonly string[], connectTo: typeof connect): Promise<void> {
  if (process.platform === 'win32') return;
  const files = folders.flatMap((folder) => filesIn(folder).map((name) => ({ name, path: join(folder, name) })));
  const sockets = files.filter(({ name }) => /^\d+\.(sock|new)$/.test(name)).slice(0, MAX_ASKED);
  const answers = await Promise.all(
    sockets.map(async (file) => ({ ...file, listens: await isListening(file.path, connectTo) })),
  );
  const dead = answers.filter(
    ({ name, path, listens }) => listens === false && (name.endsWith('.sock') || isOld(path)),
  );
  for (const { path } of dead) remove(path);
  const alive = new Set(answers.filter((one) => !dead.includes(one)).map(({ name }) => Number.parseInt(name, 10)));
  const gone = new Set(dead.map(({ name }) => Number.parseInt(name, 10)));
  for (const { name, path } of files) {
    if (!/^\d+(-\w+){2}\.(heapsnapshot|index)$/.test(name)) continue;
    const pid = Number.parseInt(name, 10);
    if (!alive.has(pid) && (gone.has(pid) || isOld(path))) remove(path);
  }
}

/** Removes the snapshots of one process that has died: `prefix` is of no other process. */
export function removeSnapshots(folders: readonly string[], prefix: string): void {
  for (const folder of folders) {
    for (const name of filesIn(folder)) {
      if (name.startsWith(prefix) && /\.(heapsnapshot|index)$/.test(name)) remove(join(folder, name));
    }
  }
}

function filesIn(folder: string): string[] {
  try {
    return folderProblem(folder, ownUid()) ? [] : readdirSync(folder);
  } catch {
    return []; // no such folder
  }
}

function isOld(path: string): boolean {
  const stats = statOf(path);
  return stats !== null && Date.now() - stats.mtimeMs > YOUNG_MS;
}

function statOf(path: string): Stats | null {
  try {
    return lstatSync(path);
  } catch {
    return null;
  }
}

function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It is gone already.
  }
}
