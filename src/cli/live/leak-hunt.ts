import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Connection } from '../../attach/connect.ts';
import { takeSnapshot } from '../../attach/take-snapshot.ts';
import type { Action } from '../../tui/state/types.ts';
import { packageRoot } from '../../util/package-root.ts';
import { formatBytes, formatMs } from '../../util/text.ts';
import { ANNOUNCED_MS, estimateOf } from '../dump-costs.ts';
import { freeName } from '../write-file.ts';

const STEPS = 3;
const MAX_OUTPUT = 8 << 20;

type Dispatch = (action: Action) => void;

/** Heap snapshots from the keyboard of the terminal UI: one that is kept, or three and what grew between them. */
export function createLeakHunt() {
  let folder: string | null = null;
  let taken: string[] = [];
  let pid = 0;
  let agreed: 'snapshot' | 'hunt' | null = null;
  let busy = false;

  const forget = (): void => {
    if (folder) rmSync(folder, { recursive: true, force: true });
    folder = null;
    taken = [];
  };
  /** False where it waits for somebody to agree to the pause, or memory would not suffice. */
  const isAgreed = async (
    connection: Connection,
    what: 'snapshot' | 'hunt',
    say: (text: string) => void,
  ): Promise<boolean> => {
    const { snapshotMs, neededBytes, availableBytes } = await estimateOf(connection);
    const needs = `stops the process for about ${formatMs(snapshotMs)}, takes about ${formatBytes(neededBytes)} of memory`;
    if (availableBytes < neededBytes) {
      say(`Refused: a heap snapshot ${needs}, ${formatBytes(availableBytes)} are available.`);
      return false;
    }
    if (snapshotMs <= ANNOUNCED_MS || agreed === what) return true;
    agreed = what;
    // The key first: a narrow terminal cuts the end.
    say(
      what === 'snapshot'
        ? `Press m again: a heap snapshot ${needs}.`
        : `Press M again: each of three snapshots ${needs}.`,
    );
    return false;
  };
  const keep = async (connection: Connection, say: (text: string) => void): Promise<void> => {
    if (!(await isAgreed(connection, 'snapshot', say))) return;
    agreed = null;
    say('writing a heap snapshot …');
    const { file } = await takeSnapshot(connection, freeName(`heap-${connection.hello.pid}`, 'heapsnapshot'));
    say(`${file}: "evdiag leaks ${file}" reads it. It holds whatever the process had in memory.`);
  };
  const step = async (connection: Connection, say: (text: string) => void, dispatch: Dispatch): Promise<void> => {
    if (connection.hello.pid !== pid) forget();
    pid = connection.hello.pid;
    if (taken.length === 0 && !(await isAgreed(connection, 'hunt', say))) return;
    folder ??= mkdtempSync(join(tmpdir(), 'evdiag-leaks-'));
    say(`writing heap snapshot ${taken.length + 1} of ${STEPS} …`);
    const { file } = await takeSnapshot(connection, join(folder, `${taken.length + 1}.heapsnapshot`));
    taken.push(file);
    if (taken.length < STEPS) {
      say(`Snapshot ${taken.length} of ${STEPS} is taken. Let the process work, then press M for the next one.`);
      return;
    }
    agreed = null;
    say('looking for what grew …');
    // In a process of its own: a large heap would hold up the screen.
    const bin = join(packageRoot(), 'bin/evdiag.mjs');
    const { stdout } = await promisify(execFile)(process.execPath, [bin, 'leaks', ...taken], { maxBuffer: MAX_OUTPUT });
    forget();
    dispatch({ type: 'message', text: null });
    dispatch({ type: 'show', title: 'Leak hunt', lines: stdout.trimEnd().split('\n') });
  };

  return {
    perform(effect: 'snapshot' | 'hunt', connection: Connection, dispatch: Dispatch): void {
      const say = (text: string): void => dispatch({ type: 'message', text });
      if (busy) {
        say('One snapshot at a time: the last one is still being written or read.');
        return;
      }
      busy = true;
      const done = effect === 'snapshot' ? keep(connection, say) : step(connection, say, dispatch);
      done
        .catch((error: Error) => {
          forget();
          say(error.message);
        })
        .finally(() => {
          busy = false;
        });
    },
    /** Removes what a hunt that did not come to its end has written. */
    stop: forget,
  };
}
