// Runs ten of the programs with clinic doctor, blocked-at, why-is-node-running and wtfnode, and lays what each says beside what
// `node test/field/run.mjs` recorded of evdiag.
// --only PATTERN  of the ten, those whose name matches;  --node PATH  the Node that runs them (this one)
// --fresh         runs all again;  --state DIR  that of run.mjs;  --output FILE  in place of docs/comparison.md
import { runBundled } from '../../scripts/run-bundled.mjs';

await runBundled('test/field/compare/main.ts');
