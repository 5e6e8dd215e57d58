/** What `npm run calibrate` runs: see scripts/calibrate.mjs. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { fieldPrograms } from '../field/programs.ts';
import { ROOT, TEST_NODE } from '../support/run-agent.ts';
import { BURN } from '../support/scenario.ts';
import { casePrograms, ownPrograms } from './programs.ts';
import { runAll, stateOf } from './run.ts';
import { calibrationText } from './table.ts';

const { values } = parseArgs({
  options: {
    cases: { type: 'string' },
    field: { type: 'boolean', default: false },
    burners: { type: 'string', default: '0' },
    only: { type: 'string', default: '' },
    minutes: { type: 'string', default: '40' },
    jobs: { type: 'string', default: '1' },
    fresh: { type: 'boolean', default: false },
    state: { type: 'string', default: join(ROOT, 'node_modules/.cache/evdiag-calibration') },
    output: { type: 'string' },
  },
});

const all = [
  ...ownPrograms(),
  ...(values.cases === undefined ? [] : casePrograms(resolve(values.cases))),
  ...(values.field ? fieldPrograms({ node: TEST_NODE, levels: ['watch', 'diagnose'] }) : []),
];
const programs = all.filter(({ id }) => new RegExp(values.only).test(id));
const say = (text: string): void => void process.stderr.write(`${text}\n`);
// What was recorded beside burners is another measurement.
const state = join(values.state, values.burners === '0' ? 'alone' : `beside-${values.burners}`);
if (values.fresh) for (const { id } of programs) rmSync(stateOf(state, id), { recursive: true, force: true });
mkdirSync(state, { recursive: true });

const burners: ChildProcess[] = [];
for (let i = 0; i < Number(values.burners); i++) {
  burners.push(spawn(process.execPath, ['-e', BURN], { stdio: 'ignore' }));
}
try {
  const results = await runAll(programs, {
    state,
    endMs: Date.now() + Number(values.minutes) * 60_000,
    jobs: Math.max(1, Number(values.jobs)),
    say,
  });
  const command = ['npm run calibrate --', ...process.argv.slice(2)].join(' ').replace(/ --$/, '');
  const text = calibrationText({
    ...results,
    command,
    burners: burners.length,
    node: process.versions.node,
    cores: availableParallelism(),
  });
  process.stdout.write(text);
  // A part is no calibration of the whole.
  const output = values.output ?? (values.only === '' ? join(ROOT, 'docs/calibration.md') : undefined);
  if (output !== undefined) {
    mkdirSync(dirname(output), { recursive: true });
    writeFileSync(output, text);
    say(`written to ${output}`);
  }
} finally {
  for (const burner of burners) burner.kill('SIGKILL');
}
