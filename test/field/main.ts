/** What `node test/field/run.mjs` runs: see there. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type Outcome, runAll, stateOf } from '../calibration/run.ts';
import { ROOT } from '../support/run-agent.ts';
import { fieldPrograms, LEVELS, type Level } from './programs.ts';
import { fieldOf } from './recorded.ts';
import { fieldPage, plainTable } from './table.ts';

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    level: { type: 'string' },
    node: { type: 'string', default: process.execPath },
    variant: { type: 'string' },
    minutes: { type: 'string', default: '60' },
    jobs: { type: 'string', default: '1' },
    fresh: { type: 'boolean', default: false },
    state: { type: 'string', default: join(ROOT, 'node_modules/.cache/evdiag-field') },
    output: { type: 'string' },
  },
});

const say = (text: string): void => void process.stderr.write(`${text}\n`);
const levels = values.level === undefined ? LEVELS : LEVELS.filter((level: Level) => level === values.level);
const programs = fieldPrograms({ node: resolve(values.node), levels, say }).filter(
  ({ name, variant }) => new RegExp(values.only).test(name) && (values.variant ?? variant) === variant,
);
if (values.fresh) for (const { id } of programs) rmSync(stateOf(values.state, id), { recursive: true, force: true });
mkdirSync(values.state, { recursive: true });
await runAll(programs, {
  state: values.state,
  endMs: Date.now() + Number(values.minutes) * 60_000,
  jobs: Math.max(1, Number(values.jobs)),
  say,
});

const command = ['node test/field/run.mjs', ...process.argv.slice(2)].join(' ');
const field = fieldOf((id) => outcomeOf(stateOf(values.state, id)), command, new RegExp(values.only));
process.stdout.write(plainTable(field));
// A part is no table of the whole.
const output = values.output ?? (values.only === '' ? join(ROOT, 'docs/field.md') : undefined);
if (output !== undefined) {
  mkdirSync(dirname(output), { recursive: true });
  writeFileSync(output, fieldPage(field));
  say(`written to ${output}`);
}

function outcomeOf(folder: string): (Outcome & { out: string }) | null {
  const file = join(folder, 'outcome.json');
  return existsSync(file) ? { ...JSON.parse(readFileSync(file, 'utf8')), out: join(folder, 'out') } : null;
}
