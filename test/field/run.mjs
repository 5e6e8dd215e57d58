// Runs programs rebuilt from public issues of libraries under the built agent, and holds its reports against answers.json.
// --only PATTERN   of the programs, those whose name matches
// --level LEVEL    watch or diagnose; both where not given
// --node PATH      the Node that runs them (this one)
// --variant NAME   sick or cured; both where not given
// --jobs N         so many programs at a time (1)
// --minutes N      begins no program later than that (60); what was recorded is kept, and the next call goes on from there
// --fresh          runs all again; else what was recorded before is only judged again, with the present rules
// --state DIR      where recordings are kept;  --output FILE  in place of docs/field.md, which is written of all that is kept
import { runBundled } from '../../scripts/run-bundled.mjs';

await runBundled('test/field/main.ts');
