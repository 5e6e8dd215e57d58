import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { LibraryBundle } from './types.ts';

/** Kept when `evdiag` is imported: by its first use, fake timers may be in place. */
const { setTimeout, clearTimeout, setImmediate } = globalThis;
let bundle: LibraryBundle | null = null;

/** The side that hooks into Node, loaded by its first use. */
export function libraryBundle(): LibraryBundle {
  if (!bundle) {
    bundle = createRequire(import.meta.url)(builtBundle()) as LibraryBundle;
    bundle.keepTimers({ setTimeout, clearTimeout, setImmediate });
  }
  return bundle;
}

/** The bundler moves this file, so that the bundle is looked for upwards. */
function builtBundle(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const found = ['library.cjs', 'dist/library.cjs']
      .map((name) => join(folder, name))
      .find((file) => existsSync(file));
    if (found) return found;
    if (dirname(folder) === folder)
      throw new Error('evdiag is incomplete: dist/library.cjs is missing. Install it again.');
  }
}
