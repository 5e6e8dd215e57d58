import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/**
 * Bundles a program in TypeScript, given by its path from the root, and runs it here, with this process's arguments.
 * @param {string} entry
 */
export async function runBundled(entry) {
  // Two folders below the root, as the modules that it bundles find their files from there.
  const outfile = join(ROOT, `dist/bundled/main-${process.pid}.mjs`);
  try {
    await build({
      entryPoints: [join(ROOT, entry)],
      outfile,
      bundle: true,
      platform: 'node',
      format: 'esm',
      packages: 'external',
    });
    await import(pathToFileURL(outfile).href);
  } finally {
    rmSync(outfile, { force: true });
  }
}
