import { createRequire } from 'node:module';
import { builtFile } from '../util/package-root.ts';
import type { LibraryBundle } from './types.ts';

/** Kept when `evdiag` is imported: by its first use, fake timers may be in place. */
const { setTimeout, clearTimeout, setImmediate } = globalThis;
let bundle: LibraryBundle | null = null;

/** The side that hooks into Node, loaded by its first use. */
export function libraryBundle(): LibraryBundle {
  if (!bundle) {
    bundle = createRequire(import.meta.url)(builtFile('library.cjs')) as LibraryBundle;
    bundle.keepTimers({ setTimeout, clearTimeout, setImmediate });
  }
  return bundle;
}
