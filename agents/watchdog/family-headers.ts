import { closeSync, openSync, readdirSync, readSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { RECORDING_FILE } from '../../src/recording/paths.ts';
import type { Header } from '../../src/recording/types.ts';
import { wrongHeaderField } from '../../src/recording/validate.ts';

/** In a larger family, it is not examined who waits for whom. */
const MOST_PROCESSES = 32;
/** Longer than any header. */
const MAX_BYTES = 1 << 16;

/** The headers of the other main threads that are recorded in that folder; none if there are too many, or it cannot be read. */
export function headersIn(family: string, own: string): Header[] {
  try {
    const folders = readdirSync(family)
      .filter((name) => name.startsWith('main-'))
      .map((name) => join(family, name))
      .filter((folder) => resolve(folder) !== resolve(own));
    return folders.length > MOST_PROCESSES ? [] : folders.flatMap(headerIn);
  } catch {
    return [];
  }
}

function headerIn(folder: string): Header[] {
  let file: number | null = null;
  try {
    file = openSync(join(folder, RECORDING_FILE), 'r');
    const bytes = Buffer.alloc(MAX_BYTES);
    const [line] = bytes.toString('utf8', 0, readSync(file, bytes)).split('\n', 1);
    const header = JSON.parse(line!) as Record<string, unknown>;
    return wrongHeaderField(header) === null ? [header as unknown as Header] : [];
  } catch {
    // It has just started, or is gone.
    return [];
  } finally {
    if (file !== null) closeSync(file);
  }
}
