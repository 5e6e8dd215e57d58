/** Opens and reads regular files only: reading a pipe or a device instead would hang, or never end. */
import { closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { InputError } from './input-error.ts';

/** Not on Windows, where nothing of the kind blocks. */
const { O_NONBLOCK = 0, O_NOCTTY = 0 } = constants;

/** A descriptor of a regular file, also through links; null if it is something else. Throws what Node throws. */
export function openRegular(path: string): number | null {
  // For some devices opening has an effect.
  if (!statSync(path).isFile()) return null;
  // Something else may be there by now: do not wait for it.
  const descriptor = openSync(path, constants.O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (fstatSync(descriptor).isFile()) return descriptor;
  closeSync(descriptor);
  return null;
}

/** What is to be said of a path that `openRegular` does not open: what it is, and what to give instead. */
export function notRegular(path: string, hint: string): InputError {
  const what = kindOf(path);
  const cure = what === 'a pipe' ? 'Write its output to a file first, and give that file.' : hint;
  return new InputError(`"${path}" is ${what}, not a file. ${cure}`);
}

function kindOf(path: string): string {
  try {
    const stats = statSync(path);
    if (stats.isDirectory()) return 'a folder';
    if (stats.isFIFO()) return 'a pipe';
    return stats.isSocket() ? 'a socket' : 'a device';
  } catch {
    return 'gone';
  }
}

/** The bytes of a regular file as it was when it was opened; null if it is something else, or larger. Throws what Node throws. */
export function readRegular(path: string, maxBytes: number): Buffer | null {
  const descriptor = openRegular(path);
  if (descriptor === null) return null;
  try {
    const { size } = fstatSync(descriptor);
    return size > maxBytes ? null : readBytes(descriptor, size);
  } finally {
    closeSync(descriptor);
  }
}

/** Up to so many bytes from the beginning of an open file. */
export function readBytes(descriptor: number, size: number): Buffer {
  const bytes = Buffer.allocUnsafe(size);
  let at = 0;
  while (at < size) {
    const count = readSync(descriptor, bytes, at, size - at, at);
    if (count === 0) break;
    at += count;
  }
  return bytes.subarray(0, at);
}
