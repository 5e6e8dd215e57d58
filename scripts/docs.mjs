// Writes the pages of docs/ that are made from the source: npm run docs. test/parity.test.ts checks that they are up to date.
import { fileURLToPath } from 'node:url';
import { runBundled } from './run-bundled.mjs';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
await runBundled('scripts/docs/main.ts');
