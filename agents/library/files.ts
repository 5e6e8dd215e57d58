import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { currentFrames } from '../agent/tracking/sites.ts';
import { wrapMethod } from '../agent/tracking/wrap.ts';
import { monotonicMs } from '../primordials.ts';
import type { RawFrame } from '../shared-memory.ts';

/** A file that was opened by `fs.open` or `fs.openSync`, which streams use too. `FileHandle`s are async resources. */
export interface FollowedFile {
  fd: number;
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
    const file = { fd, path: String(path), startMs: monotonicMs(), frames };
    open.set(fd, { file, holders });
    for (const { files } of holders) files.add(file);
  };
  const closed = (fd: unknown): void => {
    const one = open.get(fd as number);
    if (!one) return;
    open.delete(fd as number);
    for (const { files } of one.holders) files.delete(one.file);
  };
  const onOpen = (_self: unknown, args: unknown[]): void => {
    const holders = currentHolders();
    const callback = args.at(-1);
    if (!holders || typeof callback !== 'function') return;
    const frames = currentFrames();
    args[args.length - 1] = function (this: unknown, ...results: unknown[]): unknown {
      if (results[0] === null || results[0] === undefined) opened(results[1], args[0], frames, holders);
      return Reflect.apply(callback, this, results);
    };
  };
  let path: unknown;
  const restore = [
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
    wrapMethod(fs, 'close', (_self, [fd]) => closed(fd)),
    wrapMethod(fs, 'closeSync', (_self, [fd]) => closed(fd)),
  ];
  syncBuiltinESMExports();

  return {
    stop(): void {
      for (const undo of restore) undo();
      syncBuiltinESMExports();
      open.clear();
    },
  };
}
