import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** Longer than a line of `schedstat` or `syscall`. */
const MAX_BYTES = 160;

export interface ThreadFileReader<T> {
  /** null if the platform does not report it, and when the thread is gone. */
  (): T | null;
  close(): void;
}

/**
 * Reads a file of a thread of this process (`self`: of the calling one) in Linux' `/proc` anew each time; null elsewhere,
 * and if the kernel forbids it. The descriptor stays open: opening it each time costs four times as much.
 */
export function openThreadFile<T>(
  thread: number | 'self' | null,
  name: string,
  parse: (text: string) => T | null,
  maxBytes = MAX_BYTES,
): ThreadFileReader<T> {
  const folder = thread === 'self' ? 'thread-self' : `self/task/${thread}`;
  return openFile(thread === null ? null : `/proc/${folder}/${name}`, parse, maxBytes);
}

/** Files that are open. */
const open = new Set<() => void>();

/** This thread ends, and the process goes on: Node does not close them. */
export function closeThreadFiles(): void {
  for (const close of [...open]) close();
}

/** Reads a small file of the kernel anew each time; null if it cannot be read. */
export function openFile<T>(
  path: string | null,
  parse: (text: string) => T | null,
  maxBytes: number,
): ThreadFileReader<T> {
  const buffer = Buffer.alloc(maxBytes);
  const textOf = (file: number): string => buffer.toString('latin1', 0, readSync(file, buffer, 0, maxBytes, 0));
  let file = path === null ? null : openReadable(path, textOf);
  const ino = inodeOf(file);
  const read = (): T | null => {
    if (file === null) return null;
    try {
      return parse(textOf(file));
    } catch {
      return null;
    }
  };
  const close = (): void => {
    // A program that closes every descriptor it finds closes this one; the number is then another file's.
    if (file !== null && inodeOf(file) === ino) closeSync(file);
    file = null;
    open.delete(close);
  };
  if (file !== null) open.add(close);
  return Object.assign(read, { close });
}

/** Some kernels open files that they do not allow to be read. */
function openReadable(path: string, read: (file: number) => string): number | null {
  try {
    const file = openSync(path, 'r');
    try {
      read(file);
      return file;
    } catch {
      closeSync(file);
      return null;
    }
  } catch {
    return null;
  }
}

function inodeOf(file: number | null): number | null {
  try {
    return file === null ? null : fstatSync(file).ino;
  } catch {
    return null;
  }
}
