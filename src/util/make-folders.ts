import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Makes a folder and its missing parents, mode 0700. Throws the system's error; if something other than a
 * folder is in the place of the last one, opening a file in it fails.
 *
 * Level by level: Node's recursive `mkdirSync` never returns if a file system answers ENOENT for a folder whose
 * parent exists.
 */
export function makeFolders(path: string): void {
  const missing: string[] = [];
  for (let folder = path; !makeOne(folder); folder = dirname(folder)) {
    missing.push(folder);
    if (dirname(folder) === folder) break;
  }
  for (const folder of missing.reverse()) {
    if (!makeOne(folder)) throw Object.assign(new Error(`ENOENT: "${folder}" cannot be made`), { code: 'ENOENT' });
  }
}

/** False if the parent is missing. */
function makeOne(folder: string): boolean {
  try {
    mkdirSync(folder, { mode: 0o700 });
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return false;
    // It exists, perhaps made by another process of the family a moment ago.
    if (code === 'EEXIST') return true;
    throw error;
  }
}
