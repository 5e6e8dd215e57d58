import { closeSync, existsSync, openSync, writeSync } from 'node:fs';
import { InputError } from '../util/input-error.ts';
import { nodeCode } from '../util/user-error.ts';

const CURE = ' Give another file with --output.';

/** 'name.ext', or 'name-2.ext' where that is there already, and so on. */
export function freeName(name: string, extension: string): string {
  for (let i = 1; ; i++) {
    const file = `${name}${i > 1 ? `-${i}` : ''}.${extension}`;
    if (!existsSync(file)) return file;
  }
}

/** Writes what may hold secrets, for its owner alone; the bytes written. Throws InputError where it cannot; `cure` says what to do. */
export function writePrivate(file: string, pieces: Iterable<string | Uint8Array>, cure = CURE): number {
  try {
    const descriptor = openSync(file, 'w', 0o600);
    try {
      let bytes = 0;
      for (const piece of pieces) {
        const all = Buffer.from(piece as string);
        for (let at = 0; at < all.length; ) at += writeSync(descriptor, all, at);
        bytes += all.length;
      }
      return bytes;
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    throw new InputError(`"${file}" cannot be written (${nodeCode(error)}).${cure}`);
  }
}
