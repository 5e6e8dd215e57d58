import { closeSync, openSync, readSync } from 'node:fs';

/** Longer than what Linux tells of a thread in one line. */
const MAX_BYTES = 160;

export interface ThreadFileReader<T> {
  /** null where the platform does not tell, and when the thread is gone. */
  (): T | null;
  close(): void;
}

/**
 * Reads a file of a thread of this process (`self`: of the calling one) in Linux' `/proc` anew each time; null elsewhere,
 * and where the kernel forbids it. The descriptor stays open: opening it each time costs four times as much.
 */
export function openThreadFile<T>(
  thread: number | 'self' | null,
  name: string,
  parse: (text: string) => T | null,
): ThreadFileReader<T> {
  const buffer = Buffer.alloc(MAX_BYTES);
  const textOf = (file: number): string => buffer.toString('latin1', 0, readSync(file, buffer, 0, MAX_BYTES, 0));
  let file = thread === null ? null : open(thread === 'self' ? 'thread-self' : `self/task/${thread}`, name, textOf);
  const read = (): T | null => {
    if (file === null) return null;
    try {
      return parse(textOf(file));
    } catch {
      return null;
    }
  };
  const close = (): void => {
    if (file !== null) closeSync(file);
    file = null;
  };
  return Object.assign(read, { close });
}

/** Some kernels open what they do not let be read. */
function open(folder: string, name: string, read: (file: number) => string): number | null {
  try {
    const file = openSync(`/proc/${folder}/${name}`, 'r');
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
