import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Connection } from '../../attach/connect.ts';
import { takeSnapshot } from '../../attach/take-snapshot.ts';
import type { Action } from '../../tui/state/types.ts';
import { packageRoot } from '../../util/package-root.ts';
import { makeTemporaryFolder } from '../../util/temporary-folder.ts';
import { formatBytes, formatMs } from '../../util/text.ts';
import { ANNOUNCED_MS, estimateOf } from '../dump-costs.ts';
import { freeName } from '../write-file.ts';

const STEPS = 3;
const MAX_OUTPUT = 8 << 20;

type Dispatch = (action: Action) => void;

type What = 'snapshot' | 'hunt';

/** A process, and where progress is reported. */
interface Asked {
  connection: Connection;
  dispatch: Dispatch;
  say(text: string): void;
}

/** Heap snapshots by a key of the terminal UI: one that is kept, or three and what grew between them. */
export class LeakHunt {
  #folder: string | null = null;
  #taken: string[] = [];
  #pid = 0;
  #agreed: What | null = null;
  #busy = false;

  perform(effect: What, connection: Connection, dispatch: Dispatch): void {
    const say = (text: string): void => dispatch({ type: 'message', text });
    if (this.#busy) {
      say('One snapshot at a time: the last one is still being written or read.');
      return;
    }
    this.#busy = true;
    const asked = { connection, dispatch, say };
    const done = effect === 'snapshot' ? this.#keep(asked) : this.#step(asked);
    done
      .catch((error: Error) => {
        this.stop();
        say(error.message);
      })
      .finally(() => {
        this.#busy = false;
      });
  }

  /** Removes the files of a hunt that was not finished. */
  stop(): void {
    if (this.#folder) rmSync(this.#folder, { recursive: true, force: true });
    this.#folder = null;
    this.#taken = [];
  }

  async #keep(asked: Asked): Promise<void> {
    const { connection, say } = asked;
    if (!(await this.#isAgreed('snapshot', asked))) return;
    this.#agreed = null;
    say('writing a heap snapshot …');
    const { file } = await takeSnapshot(connection, freeName(`heap-${connection.hello.pid}`, 'heapsnapshot'));
    say(`${file}: "evdiag leaks ${file}" reads it. It holds whatever the process had in memory.`);
  }

  async #step(asked: Asked): Promise<void> {
    const { connection, say } = asked;
    if (connection.hello.pid !== this.#pid) this.stop();
    this.#pid = connection.hello.pid;
    if (this.#taken.length === 0 && !(await this.#isAgreed('hunt', asked))) return;
    this.#folder ??= makeTemporaryFolder('leaks');
    say(`writing heap snapshot ${this.#taken.length + 1} of ${STEPS} …`);
    const name = join(this.#folder, `${this.#taken.length + 1}.heapsnapshot`);
    const { file } = await takeSnapshot(connection, name);
    this.#taken.push(file);
    if (this.#taken.length < STEPS) {
      say(`Snapshot ${this.#taken.length} of ${STEPS} is taken. Let the process work, then press M for the next one.`);
    } else await this.#compare(asked);
  }

  async #compare({ dispatch, say }: Asked): Promise<void> {
    this.#agreed = null;
    say('looking for what grew …');
    // In a process of its own: reading a large heap would block the screen.
    const args = [join(packageRoot(), 'bin/evdiag.mjs'), 'leaks', ...this.#taken];
    const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: MAX_OUTPUT });
    this.stop();
    dispatch({ type: 'message', text: null });
    dispatch({ type: 'show', title: 'Leak hunt', lines: stdout.trimEnd().split('\n') });
  }

  /** False if it waits for the user to agree to the pause, or memory would not suffice. */
  async #isAgreed(what: What, { connection, say }: Asked): Promise<boolean> {
    const { snapshotMs, neededBytes, availableBytes } = await estimateOf(connection);
    const needs = `pauses the process for about ${formatMs(snapshotMs)}, takes about ${formatBytes(neededBytes)} of memory`;
    if (availableBytes < neededBytes) {
      say(`Refused: a heap snapshot ${needs}, ${formatBytes(availableBytes)} are available.`);
      return false;
    }
    if (snapshotMs <= ANNOUNCED_MS || this.#agreed === what) return true;
    this.#agreed = what;
    // The key first: a narrow terminal cuts the end.
    const again = { snapshot: 'Press m again: a heap snapshot', hunt: 'Press M again: each of three snapshots' };
    say(`${again[what]} ${needs}.`);
    return false;
  }
}
