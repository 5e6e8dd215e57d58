// Writes the pages of docs/ that are made from the source: npm run docs. test/parity.test.ts checks that they are up to date.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const outfile = join(ROOT, `dist/docs-${process.pid}.mjs`);
process.chdir(ROOT);
try {
  await build({
    entryPoints: ['scripts/docs/main.ts'],
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
