import { statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { STOP_AT_ONCE, Word } from '../shared-memory.ts';
import { answers, leadsToOthers } from './platform/answers.ts';
import { createMounts } from './platform/mounts.ts';

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
  /** Begins a file of the recording in that folder, as a part of `use`: it is not known yet how the storage behaves. */
  begin(folder: string, work: () => void): void;
  /** Does work with a file that is not of the recording, as a part of `use`: what runs, its source map, the folder of sockets. */
  elsewhere<T>(path: string, work: () => T): T;
  /**
   * Whether a signal that this thread has taken may be followed by work on storage: that would never return where it has begun to
   * hang, and nothing would end the process. After a second it is taken for hanging.
   */
  answers(): Promise<boolean>;
  /** Nothing may be begun: it has been asked and has not answered. */
  isAsked(): boolean;
}

/** Folders and files of others that are asked. */
const MAX_ASKED = 16;

export function createStorage(control: Int32Array): Storage {
  const signals = createSignals();
  const mounts = createMounts();
  let depth = 0;
  /** The recording's. */
  let mayHang = false;
  let isReleased = false;
  const inquiry = createInquiry();
  const releaseIfItHangs = (): void => {
    if (!mayHang || isReleased) return;
    isReleased = true;
    signals.release();
  };
  const enter = (): boolean => {
    if (depth++ > 0) return true;
    // First this, then the check: the observed thread also stores first, then checks.
    Atomics.add(control, Word.Storage, 1);
    if (Atomics.load(control, Word.Stop) === STOP_AT_ONCE) return false;
    releaseIfItHangs();
    return true;
  };
  const leave = (): void => {
    if (--depth > 0) return;
    if (isReleased) signals.resume();
    isReleased = false;
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
    followSignals: signals.follow,
    begin: (folder, work) =>
      signals.without(() => {
        inquiry.folder(folder);
        work();
        mayHang = process.platform === 'linux' && !LOCAL.has(typeOf(folder));
        releaseIfItHangs();
      }),
    elsewhere(path, work) {
      if (!mounts.isOfOthers(path)) return work();
      inquiry.other(path);
      return signals.without(work);
    },
    answers: inquiry.answers,
    isAsked: inquiry.isAsked,
  };
}

/** What is to be asked, and whether it has been. */
function createInquiry() {
  const folders = new Set<string>();
  /** By their folder: the last one touched there. */
  const others = new Map<string, string>();
  let isAsked = false;
  return {
    folder(path: string): void {
      if (folders.size < MAX_ASKED) folders.add(path);
    },
    other(path: string): void {
      if (others.size < MAX_ASKED) others.set(dirname(path), path);
    },
    async answers(): Promise<boolean> {
      // Those of this moment: storage may have been mounted over the folder.
      const { isOfOthers } = createMounts();
      const asked = [...others.values(), ...[...folders].filter((folder) => leadsToOthers(folder, isOfOthers))];
      isAsked = asked.length > 0;
      const answer = await answers(asked);
      isAsked = !answer;
      return answer;
    },
    isAsked: (): boolean => isAsked,
  };
}

/** The handlers of signals, which are closed while anything needs that. */
function createSignals() {
  let signals: { release(): void; resume(): void } | null = null;
  let count = 0;
  const release = (): void => {
    if (count++ === 0) signals?.release();
  };
  const resume = (): void => {
    if (--count === 0) signals?.resume();
  };
  return {
    follow(theirs: NonNullable<typeof signals>): void {
      signals = theirs;
    },
    release,
    resume,
    without<T>(work: () => T): T {
      release();
      try {
        return work();
      } finally {
        resume();
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
