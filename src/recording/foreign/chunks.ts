import { closeSync, readSync } from 'node:fs';
import { openFile } from '../lines.ts';

const CHUNK_BYTES = 1 << 20;

/** The bytes of a regular file, one piece at a time; each piece overwrites the one before. Throws InputError. */
export function* chunksOf(file: string): Generator<Buffer> {
  const fd = openFile(file);
  try {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    for (let count = readSync(fd, chunk); count > 0; count = readSync(fd, chunk)) yield chunk.subarray(0, count);
  } finally {
    closeSync(fd);
  }
}
