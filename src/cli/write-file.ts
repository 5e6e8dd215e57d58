import { closeSync, constants, existsSync, openSync, statSync, writeSync } from 'node:fs';
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
    refuseUnreadPipe(file);
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
    const code = nodeCode(error);
    const why = code === 'ENXIO' ? 'ENXIO: nobody reads this pipe' : code;
    throw new InputError(`"${file}" cannot be written (${why}).${cure}`);
  }
}

/** Opening such a pipe would wait for somebody to read it. */
function refuseUnreadPipe(file: string): void {
  const { O_NONBLOCK = 0 } = constants;
  if (O_NONBLOCK === 0 || !statSync(file, { throwIfNoEntry: false })?.isFIFO()) return;
  // ENXIO where nobody has it open.
  closeSync(openSync(file, constants.O_WRONLY | O_NONBLOCK));
}
