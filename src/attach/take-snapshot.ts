import { chmodSync, constants, copyFileSync, existsSync, renameSync, unlinkSync } from 'node:fs';
import { isWritten } from '../protocol/answers.ts';
import type { WrittenSnapshot } from '../protocol/written-snapshot.ts';
import type { Connection } from './connect.ts';
import { endedText, TargetError } from './target-error.ts';
import { strangeAnswer } from './wire.ts';

/** A heap of 10 GB takes about that long. */
const SNAPSHOT_TIMEOUT_MS = 20 * 60_000;

/** Has the process write a heap snapshot of a thread and moves it to a new file, mode 0600. Throws TargetError. */
export async function takeSnapshot(connection: Connection, file: string, threadId = 0): Promise<WrittenSnapshot> {
  const params = threadId === 0 ? {} : { threadId };
  const snapshot = await connection.request('snapshot', params, { timeoutMs: SNAPSHOT_TIMEOUT_MS });
  if ((snapshot.threadId ?? 0) !== threadId) {
    const text = `The agent in process ${connection.hello.pid} is older and takes snapshots of the main thread only.`;
    throw new TargetError(text, 'refused');
  }
  if (!isWritten(snapshot.file, connection.hello)) throw strangeAnswer(connection.hello.pid, 'snapshot');
  try {
    move(snapshot.file, file);
  } catch (error) {
    // Its agent removes the file as the process ends.
    throw existsSync(snapshot.file) ? error : new TargetError(endedText(connection.hello.pid), 'ended');
  }
  return { ...snapshot, file };
}

function move(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error;
    // From a folder in memory to one on disk.
    copyFileSync(from, to, constants.COPYFILE_EXCL);
    chmodSync(to, 0o600);
    unlinkSync(from);
  }
}
