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

/** Follows descriptors from `open` to `close`: Node has no async resource for them. */
export function followFiles(currentHolders: () => readonly FileHolder[] | null) {
  const open = new Map<number, { file: FollowedFile; holders: readonly FileHolder[] }>();

  const opened = (fd: unknown, path: unknown, frames: RawFrame[], holders: readonly FileHolder[]): void => {
    if (typeof fd !== 'number') return;
    const file = { handle: null, path: String(path), startMs: monotonicMs(), frames };
    open.set(fd, { file, holders });
    for (const { files } of holders) files.add(file);
  };
  const closed = (fd: unknown): void => {
    const one = open.get(fd as number);
    if (!one) return;
    open.delete(fd as number);
    for (const { files } of one.holders) files.delete(one.file);
  };
  /** Streams open in a later tick, when nothing of the application is on the stack. */
  const streams = new Map<string, RawFrame[][]>();
  const onStream = (_self: unknown, { 0: path }: Arguments): void => {
    if (!currentHolders()) return;
    const waiting = streams.get(String(path)) ?? [];
    streams.set(String(path), waiting);
    if (waiting.length < MAX_WAITING) waiting.push(currentFrames());
  };
  const framesOf = (path: unknown): RawFrame[] => {
    const frames = currentFrames();
    return frames.every(isNodes) ? (streams.get(String(path))?.shift() ?? frames) : frames;
  };
  const onOpen = (_self: unknown, args: Arguments): void => {
    const holders = currentHolders();
    const callback = args[args.length - 1];
    if (!holders || typeof callback !== 'function') return;
    const frames = framesOf(args[0]);
    args[args.length - 1] = function (this: unknown, ...results: unknown[]): unknown {
      if (results[0] === null || results[0] === undefined) opened(results[1], args[0], frames, holders);
      return Reflect.apply(callback, this, results);
    };
  };
  let path: unknown;
  const restore = [
    wrapMethod(fs, 'createReadStream', onStream),
    wrapMethod(fs, 'createWriteStream', onStream),
    wrapMethod(fs, 'open', onOpen),
    wrapMethod(
      fs,
      'openSync',
      (_self, args) => {
        path = args[0];
      },
      (fd) => {
        const holders = currentHolders();
        if (holders) opened(fd, path, currentFrames(), holders);
      },
    ),
    wrapMethod(fs, 'close', (_self, { 0: fd }) => closed(fd)),
    wrapMethod(fs, 'closeSync', (_self, { 0: fd }) => closed(fd)),
  ];
  syncBuiltinESMExports();

  return {
    /** To be told of each emitter that is made: a `FileHandle` is one. Its async resource lives on when it is closed. */
    onEmitter(self: object, holders: readonly FileHolder[]): void {
      if (self.constructor?.name !== 'FileHandle') return;
      const frames = currentFrames();
      if (!frames.some(([, url]) => url === 'node:internal/fs/promises')) return;
      const handle = new WeakRef(self as { fd: number });
      const file: FollowedFile = { handle, path: '', startMs: monotonicMs(), frames };
      for (const { files } of holders) files.add(file);
    },
    stop(): void {
      for (const undo of restore) undo();
      syncBuiltinESMExports();
      open.clear();
      streams.clear();
    },
  };
}

/** A `FileHandle` that was closed, or collected (which closes it), is none any more. */
export function isOpenFile({ handle }: FollowedFile): boolean {
  return handle === null || (handle.deref()?.fd ?? -1) >= 0;
}
