/** What `npm run levels` runs: see scripts/levels.mjs. */
import { rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT } from '../support/run-agent.ts';
import { byLevelText } from './by-level.ts';
import { ownPrograms } from './programs.ts';
import { runAll, stateOf } from './run.ts';

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    minutes: { type: 'string', default: '40' },
    jobs: { type: 'string', default: '1' },
    fresh: { type: 'boolean', default: false },
    longer: { type: 'string', default: '1' },
    state: { type: 'string', default: join(ROOT, 'node_modules/.cache/evdiag-calibration') },
    output: { type: 'string' },
  },
});

const programs = ownPrograms().filter(({ id, truth }) => truth.expected.length > 0 && new RegExp(values.only).test(id));
process.env.SCENARIO_LONGER = values.longer;
// As long as usual, they are the same runs as of the calibration.
const state = join(values.state, values.longer === '1' ? 'alone' : `longer-${values.longer}`);
if (values.fresh) for (const { id } of programs) rmSync(stateOf(state, id), { recursive: true, force: true });
const results = await runAll(programs, {
  state,
  endMs: Date.now() + Number(values.minutes) * 60_000,
  jobs: Math.max(1, Number(values.jobs)),
  say: (text) => void process.stderr.write(`${text}\n`),
});
const text = byLevelText({
  ...results,
  programs,
  command: ['npm run levels --', ...process.argv.slice(2)].join(' ').replace(/ --$/, ''),
  node: process.versions.node,
  cores: availableParallelism(),
});
process.stdout.write(text);
// A part is no table of the whole.
const output = values.output ?? (values.only === '' ? join(ROOT, 'docs/findings-by-level.md') : undefined);
if (output !== undefined) writeFileSync(output, text);
