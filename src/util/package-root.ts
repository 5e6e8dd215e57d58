import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { InputError } from './input-error.ts';

/** The folder of evdiag's package.json: the bundler moves this file, so that it is looked for upwards. */
export function packageRoot(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    if (packageOf(folder)?.name === 'evdiag') return folder;
    if (dirname(folder) === folder) throw new InputError('The package of evdiag is incomplete. Install it again.');
  }
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
