// Asks evdiag (EVDIAG_WHY), why-is-node-running and wtfnode about ten programs that do not end, and writes the table into docs/comparison.md.
// --node PATH  the Node that runs them (this one)
import { runBundled } from '../../scripts/run-bundled.mjs';

await runBundled('test/field/why/main.ts');
