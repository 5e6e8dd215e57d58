// Runs every program whose faults are known, and prints how often each confidence level was right: npm run calibrate.
// --cases DIR     also the cases of that folder: answers.json, run.mjs, packages installed
// --field         also the programs of test/field, at both levels
// --burners N     beside this many processes that compute
// --only PATTERN  of the programs, those whose id matches; then docs/calibration.md is written only with --output FILE
// --minutes N     starts no program later than that (40); what was recorded is kept, and the next call continues from there
// --fresh         runs everything again; otherwise what was recorded before is only judged again, with the present rules
// --jobs N        this many programs at a time (1)
// --output FILE   instead of docs/calibration.md;  --state DIR  where recordings are kept
import { runBundled } from './run-bundled.mjs';

await runBundled('test/calibration/main.ts');
