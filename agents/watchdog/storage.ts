import { statfsSync } from 'node:fs';
import { STOP_AT_ONCE, Word } from '../shared-memory.ts';

/**
 * File systems of the machine itself, by the number from `statfs`: ext4, xfs, btrfs, tmpfs, overlay, zfs, f2fs, ramfs. A
 * call that hangs there cannot be ended by a signal either. Others are of a network or of a program (NFS, SMB, FUSE, 9p).
 */
const LOCAL: ReadonlySet<number> = new Set([
  0xef53, 0x58465342, 0x9123683e, 0x01021994, 0x794c7630, 0x2fc12fc1, 0xf2f52010, 0x858458f6,
]);

export interface Storage {
  /**
   * Does work that may not return, on storage that hangs: the observed thread sees it, and its exit does not wait for it. Undefined,
   * and nothing is done, if the process is exiting and does not wait.
   */
  use<T>(work: () => T): T | undefined;
  /** If this thread ends the process on signals, they end it directly during work on storage that may hang. */
  followSignals(signals: { release(): void; resume(): void }): void;
  /** Begins a file in that folder, as a part of `use`: it is not known yet how the storage behaves. */
  begin(folder: string, work: () => void): void;
}

export function createStorage(control: Int32Array): Storage {
  let depth = 0;
  let signals: { release(): void; resume(): void } | null = null;
  let mayHang = false;
  const enter = (): boolean => {
    if (depth++ > 0) return true;
    // First this, then the check: the observed thread also stores first, then checks.
    Atomics.add(control, Word.Storage, 1);
    if (Atomics.load(control, Word.Stop) === STOP_AT_ONCE) return false;
    if (mayHang) signals?.release();
    return true;
  };
  const leave = (): void => {
    if (--depth > 0) return;
    if (mayHang) signals?.resume();
    Atomics.add(control, Word.Storage, 1);
  };
  const use = <T>(work: () => T): T | undefined => {
    try {
      return enter() ? work() : undefined;
    } finally {
      leave();
    }
  };
  return {
    use,
    followSignals(theirs) {
      signals = theirs;
    },
    begin(folder, work) {
      if (!mayHang) signals?.release();
      try {
        work();
        mayHang = process.platform === 'linux' && !LOCAL.has(typeOf(folder));
      } finally {
        if (!mayHang) signals?.resume();
      }
    },
  };
}

function typeOf(folder: string): number {
  try {
    return statfsSync(folder).type;
  } catch {
    return 0xef53;
  }
}
