/** Reads a file line by line in bounded memory, whatever the file is. */
import { closeSync, fstatSync, readSync } from 'node:fs';
import { notRegular, openRegular } from '../util/regular-file.ts';
import { accessError, HINT, InputError } from './input-error.ts';

const CHUNK_BYTES = 1 << 20;
const MAX_LINE_BYTES = 4 << 20;
const NEWLINE = 10;

export interface Line {
  /** null if the line is longer than any that the agent writes. */
  text: string | null;
  /** It ended with a newline. */
  whole: boolean;
}

/** The lines that the file had when it was opened. Throws InputError if it is not a readable regular file. */
export function* linesOf(file: string): Generator<Line> {
  const fd = openFile(file);
  try {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    // What is written while we read is left for the next time: a reader must not chase a live writer forever.
    let left = fstatSync(fd).size;
    let pending: Buffer[] = [];
    let pendingBytes = 0;
    while (left > 0) {
      const count = readSync(fd, chunk, 0, Math.min(left, CHUNK_BYTES), null);
      if (count === 0) break;
      left -= count;
      const bytes = chunk.subarray(0, count);
      let from = 0;
      for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, from)) {
        yield { text: lineText(pending, pendingBytes, bytes.subarray(from, end)), whole: true };
        pending = [];
        pendingBytes = 0;
        from = end + 1;
      }
      pendingBytes += count - from;
      // The next read overwrites the chunk, so the rest of the line must be copied.
      if (pendingBytes <= MAX_LINE_BYTES) pending.push(Buffer.from(bytes.subarray(from)));
    }
    if (pendingBytes > 0) yield { text: lineText(pending, pendingBytes, Buffer.alloc(0)), whole: false };
  } finally {
    closeSync(fd);
  }
}

function lineText(pending: Buffer[], pendingBytes: number, rest: Buffer): string | null {
  if (pendingBytes + rest.length > MAX_LINE_BYTES) return null;
  return (pending.length === 0 ? rest : Buffer.concat([...pending, rest])).toString('utf8');
}

/** A descriptor of a regular file. Throws InputError. */
export function openFile(file: string): number {
  try {
    const descriptor = openRegular(file);
    if (descriptor !== null) return descriptor;
    throw notRegular(file, HINT);
  } catch (error) {
    throw error instanceof InputError ? error : accessError(error, file);
  }
}
