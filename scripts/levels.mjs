// Runs every sick scenario at both levels, and prints what each level found of it: npm run levels.
// --only PATTERN  of the programs, those whose id matches (`-watch$`); then the page is written only with --output FILE
// --longer N      lets steady loads go on N times as long (1)
// --minutes N     starts no program later than that (40); what was recorded is kept, and the next call continues from there
// --fresh         runs everything again; otherwise what was recorded before, also by the calibration, is only judged again
// --jobs N        this many programs at a time (1)
// --output FILE   instead of docs/findings-by-level.md;  --state DIR  where recordings are kept
import { runBundled } from './run-bundled.mjs';

await runBundled('test/calibration/levels-main.ts');
