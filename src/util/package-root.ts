import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { InputError } from './input-error.ts';

/**
 * The folder of evdiag's package.json. The bundler moves this file, so we search upwards; if a bundler of
 * the program included this file, it is the folder of the installed package.
 */
export function packageRoot(): string {
  const root = above(dirname(fileURLToPath(import.meta.url))) ?? installedRoot();
  if (!root)
    throw new InputError(
      'The package of evdiag is incomplete. Install it again; in a program that is bundled, keep it external.',
    );
  return root;
}

function above(start: string): string | null {
  for (let folder = start; ; folder = dirname(folder)) {
    if (packageOf(folder)?.name === 'evdiag') return folder;
    if (dirname(folder) === folder) return null;
  }
}

function installedRoot(): string | null {
  for (const from of [fileURLToPath(import.meta.url), join(process.cwd(), 'package.json')]) {
    try {
      return dirname(createRequire(from).resolve('evdiag/package.json'));
    } catch {
      // Not from here.
    }
  }
  return null;
}

export function packageVersion(): string {
  return packageOf(packageRoot())?.version ?? 'unknown';
}

/** The absolute path of a built file. */
export function builtFile(name: string): string {
  const file = join(packageRoot(), 'dist', name);
  if (!existsSync(file)) throw new InputError(`"${file}" is missing. Install evdiag again, or run "npm run build".`);
  return file;
}

function packageOf(folder: string): { name?: string; version?: string } | null {
  try {
    return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  } catch {
    return null;
  }
}
