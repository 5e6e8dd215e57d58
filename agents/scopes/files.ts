import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { currentFrames, isNodes } from '../agent/tracking/sites.ts';
import { type Arguments, wrapMethod } from '../agent/tracking/wrap.ts';
import { monotonicMs } from '../primordials.ts';
import type { RawFrame } from '../shared-memory.ts';

/** Streams of one path that have not opened yet. */
const MAX_WAITING = 100;

/** A file that was opened: by `fs.open` or `fs.openSync`, which streams use too, or as a `FileHandle`. */
export interface FollowedFile {
  handle: WeakRef<{ fd: number }> | null;
  path: string;
  startMs: number;
  frames: RawFrame[];
}

export interface FileHolder {
  files: Set<FollowedFile>;
}

interface OpenFile {
  file: FollowedFile;
  holders: readonly FileHolder[];
}

/** Follows descriptors from `open` to `close`: Node has no async resource for them. */
export class FollowedFiles {
  readonly #currentHolders: () => readonly FileHolder[] | null;
  readonly #open = new Map<number, OpenFile>();
  /** Streams open in a later tick, when no code of the application is on the stack. */
  readonly #streams = new Map<string, RawFrame[][]>();
  readonly #restore: (() => void)[];

  constructor(currentHolders: () => readonly FileHolder[] | null) {
    this.#currentHolders = currentHolders;
    const onClose = (_self: unknown, { 0: fd }: Arguments): void => this.#closed(fd);
    this.#restore = [
      wrapMethod(fs, 'createReadStream', this.#onStream),
      wrapMethod(fs, 'createWriteStream', this.#onStream),
      wrapMethod(fs, 'open', this.#onOpen),
      this.#wrapOpenSync(),
      wrapMethod(fs, 'close', onClose),
      wrapMethod(fs, 'closeSync', onClose),
    ];
    syncBuiltinESMExports();
  }

  /** Called for each emitter that is made: a `FileHandle` is one. Its async resource lives on when it is closed. */
  onEmitter(self: object, holders: readonly FileHolder[]): void {
    if (self.constructor?.name !== 'FileHandle') return;
    const frames = currentFrames();
    if (!frames.some(([, url]) => url === 'node:internal/fs/promises')) return;
    const handle = new WeakRef(self as { fd: number });
    const file: FollowedFile = { handle, path: '', startMs: monotonicMs(), frames };
    for (const { files } of holders) files.add(file);
  }

  stop(): void {
    for (const undo of this.#restore) undo();
    syncBuiltinESMExports();
    this.#open.clear();
    this.#streams.clear();
  }

  readonly #onStream = (_self: unknown, { 0: path }: Arguments): void => {
    if (!this.#currentHolders()) return;
    const waiting = this.#streams.get(String(path)) ?? [];
    this.#streams.set(String(path), waiting);
    if (waiting.length < MAX_WAITING) waiting.push(currentFrames());
  };

  /** The callback is called with the descriptor, or an error. */
  readonly #onOpen = (_self: unknown, args: Arguments): void => {
    const holders = this.#currentHolders();
    const callback = args[args.length - 1];
    if (!holders || typeof callback !== 'function') return;
    const frames = this.#framesOf(args[0]);
    const opened = (fd: unknown): void => this.#opened(fd, args[0], frames, holders);
    args[args.length - 1] = function (this: unknown, ...results: unknown[]): unknown {
      if (results[0] === null || results[0] === undefined) opened(results[1]);
      return Reflect.apply(callback, this, results);
    };
  };

  #wrapOpenSync(): () => void {
    let path: unknown;
    return wrapMethod(
      fs,
      'openSync',
      (_self, args) => {
        path = args[0];
      },
      (fd) => {
        const holders = this.#currentHolders();
        if (holders) this.#opened(fd, path, currentFrames(), holders);
      },
    );
  }

  #framesOf(path: unknown): RawFrame[] {
    const frames = currentFrames();
    return frames.every(isNodes) ? (this.#streams.get(String(path))?.shift() ?? frames) : frames;
  }

  #opened(fd: unknown, path: unknown, frames: RawFrame[], holders: readonly FileHolder[]): void {
    if (typeof fd !== 'number') return;
    const file = { handle: null, path: String(path), startMs: monotonicMs(), frames };
    this.#open.set(fd, { file, holders });
    for (const { files } of holders) files.add(file);
  }

  #closed(fd: unknown): void {
    const one = this.#open.get(fd as number);
    if (!one) return;
    this.#open.delete(fd as number);
    for (const { files } of one.holders) files.delete(one.file);
  }
}

/** A `FileHandle` that was closed, or collected (which closes it), is not open any more. */
export function isOpenFile({ handle }: FollowedFile): boolean {
  return handle === null || (handle.deref()?.fd ?? -1) >= 0;
}
