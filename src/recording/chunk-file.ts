/** The file that a recording is appended to, and what may happen to it while it is. */
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  lstatSync,
  openSync,
  renameSync,
  type Stats,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { makeFolders } from '../util/make-folders.ts';
import { OLDER_FILE, RECORDING_FILE } from './paths.ts';

/**
 * Never an existing file, which belongs to others; never through a link; and without waiting for the reader of a
 * pipe. Every write goes to the end, also after the file was truncated by others.
 */
const NEW_FILE =
  constants.O_WRONLY |
  constants.O_CREAT |
  constants.O_EXCL |
  constants.O_APPEND |
  (constants.O_NOFOLLOW ?? 0) |
  (constants.O_NONBLOCK ?? 0);

/** What has happened to the file since the last check: nothing, it is gone, its descriptor was closed, or it was cut to that share. */
export type Found = 'same' | 'gone' | 'closed' | { share: number };

export class ChunkFile {
  readonly #folder: string;
  readonly #path: string;
  readonly #older: string;
  #file: { fd: number; ino: number; dev: number } | null = null;
  #size = 0;

  constructor(folder: string) {
    this.#folder = folder;
    this.#path = join(folder, RECORDING_FILE);
    this.#older = join(folder, OLDER_FILE);
  }

  /** Begins a new, empty file; an existing one becomes the older chunk. Throws the system's error. */
  begin(): void {
    makeFolders(this.#folder);
    const fd = this.#open();
    this.#size = 0;
    try {
      fchmodSync(fd, 0o600);
      const { ino, dev } = fstatSync(fd);
      this.#file = { fd, ino, dev };
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  /** Compares the file with what was written to it. A file that is gone is closed. */
  look(): Found {
    const file = this.#file;
    if (file === null) return 'gone';
    const stats = statOf(file.fd);
    // A program that closes every descriptor it finds closes ours; the number is then another file's.
    const isOurs = stats !== null && stats.ino === file.ino && stats.dev === file.dev;
    if (!isOurs || stats.nlink === 0) {
      // If the file is gone, the path may lead anywhere, also to storage that hangs: it is not touched.
      const isHere = !isOurs && statOf(this.#path)?.ino === file.ino;
      this.#letGo(isOurs);
      return isHere ? 'closed' : 'gone';
    }
    if (stats.size >= this.#size) return 'same';
    const share = stats.size / this.#size;
    this.#size = stats.size;
    return { share };
  }

  /** Appends all of it; if that fails, `written` says how much was. Throws the system's error. */
  append(bytes: Uint8Array, written: (count: number) => void): void {
    let offset = 0;
    try {
      while (offset < bytes.length) offset += writeSync(this.#file!.fd, bytes, offset);
    } finally {
      this.#size += offset;
      written(offset);
    }
  }

  /** Makes it the older chunk, replacing the previous one, and closes it; false if it was moved. Throws the system's error. */
  retire(): boolean {
    // If it was moved away, it stays there; a file in its place is not ours to rename.
    const isHere = statOf(this.#path)?.ino === this.#file?.ino;
    if (isHere) renameSync(this.#path, this.#older);
    // Before the next one is opened: this may be the last descriptor.
    this.close();
    return isHere;
  }

  hasOlder(): boolean {
    return statOf(this.#older) !== null;
  }

  bytes(): number {
    return this.#size;
  }

  close(): void {
    this.#letGo(this.look() !== 'gone');
  }

  #open(): number {
    try {
      return openSync(this.#path, NEW_FILE, 0o600);
    } catch (error) {
      if (codeOf(error) !== 'EEXIST' || !lstatSync(this.#path).isFile()) throw error;
      renameSync(this.#path, this.#older);
      return openSync(this.#path, NEW_FILE, 0o600);
    }
  }

  /** `isOurs`: the number still belongs to our file, so we may close it. */
  #letGo(isOurs: boolean): void {
    const fd = this.#file?.fd;
    // First: a number that was closed may be the program's a moment later.
    this.#file = null;
    if (fd === undefined || !isOurs) return;
    try {
      closeSync(fd);
    } catch {
      // The number is free again anyway.
    }
  }
}

function statOf(file: number | string): Stats | null {
  try {
    return typeof file === 'number' ? fstatSync(file) : lstatSync(file);
  } catch {
    return null;
  }
}

export function codeOf(error: unknown): string {
  return error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? error.message) : String(error);
}
