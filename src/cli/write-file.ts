import { existsSync, writeFileSync } from 'node:fs';
import { InputError } from '../util/input-error.ts';

/** Writes what may hold secrets, for its owner alone. Throws InputError where it cannot, or must not write over a file. */
export function writePrivate(file: string, content: string | Uint8Array, mayReplace = true): void {
  if (!mayReplace && existsSync(file)) {
    throw new InputError(`"${file}" is there already. Name another file with --output.`);
  }
  try {
    writeFileSync(file, content, { mode: 0o600 });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    throw new InputError(`"${file}" cannot be written (${code}). Give another file with --output.`);
  }
}
