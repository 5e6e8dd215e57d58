/** What `node test/field/compare.mjs` runs: see there. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type Outcome, stateOf } from '../../calibration/run.ts';
import { ROOT } from '../../support/run-agent.ts';
import { FIELD, guiltyLinesOf, readAnswers } from '../answers.ts';
import { installed, majorOf, prepareHome } from '../home.ts';
import { fieldId, LEVELS } from '../programs.ts';
import { verdictOf } from '../recorded.ts';
import { runProgram } from '../run-program.ts';
import { comparisonPage } from './page.ts';
import { sectionIn } from './sections.ts';
import { type Ailment, blockedAtSaid, COMPARED, doctorSaid, handlesSaid, type Said } from './words.ts';

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    node: { type: 'string', default: process.execPath },
    fresh: { type: 'boolean', default: false },
    state: { type: 'string', default: join(ROOT, 'node_modules/.cache/evdiag-field') },
    output: { type: 'string', default: join(ROOT, 'docs/comparison.md') },
  },
});

/** What was recorded of a program by the other tools. */
interface Recorded {
  category: string;
  tools: Record<'blocked-at' | 'why-is-node-running' | 'wtfnode', string[]>;
  load: number;
  at: string;
}

const answers = readAnswers();
const node = resolve(values.node);
const major = majorOf(node);
const say = (text: string): void => void process.stderr.write(`${text}\n`);
const home = prepareHome(node, say);
const toolsHome = installed(join(FIELD, 'compare'), node, say);
const versions = Object.entries(
  (JSON.parse(readFileSync(join(FIELD, 'compare/package.json'), 'utf8')) as { dependencies: Record<string, string> })
    .dependencies,
);

async function recorded(name: string): Promise<Recorded> {
  const folder = stateOf(values.state, `compared/${name}-node${major}`);
  const file = join(folder, 'recorded.json');
  if (existsSync(file) && !values.fresh) return JSON.parse(readFileSync(file, 'utf8'));
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const circumstance = { load: loadavg()[0]!, at: new Date().toISOString() };
  const said = join(folder, 'tools.json');
  const answer = answers.get(name)!;
  const place = { node, home, env: { FIELD_TOOLS_HOME: toolsHome, FIELD_TOOLS: said } };
  await runProgram(name, 'sick', answer, { ...place, args: ['-r', join(FIELD, 'compare/preload.cjs')] });
  const doctor = join(folder, 'doctor');
  mkdirSync(doctor);
  await runProgram(name, 'sick', answer, { ...place, args: [join(FIELD, 'compare/doctor.cjs'), doctor, node] });
  const page = existsSync(join(doctor, 'page.html')) ? readFileSync(join(doctor, 'page.html'), 'utf8') : '';
  const category = /"issueCategory":"([^"]*)"/.exec(page)?.[1] ?? 'no page';
  rmSync(doctor, { recursive: true, force: true });
  const result = { category, tools: JSON.parse(readFileSync(said, 'utf8')), ...circumstance };
  writeFileSync(file, JSON.stringify(result));
  return result;
}

function evdiagSaid(name: string, level: (typeof LEVELS)[number]): Said | null {
  const folder = stateOf(values.state, fieldId(name, 'sick', level, major));
  if (!existsSync(join(folder, 'outcome.json'))) return null;
  const { skipped } = JSON.parse(readFileSync(join(folder, 'outcome.json'), 'utf8')) as Outcome;
  if (skipped !== null) return null;
  const { found, located } = verdictOf(name, answers.get(name)!, join(folder, 'out'));
  return { verdict: located ? 'the line' : found ? 'a category' : 'nothing', words: null };
}

const names = Object.keys(COMPARED).filter((name) => new RegExp(values.only).test(name));
const rows = [];
const runs: Recorded[] = [];
for (const name of names) {
  const ailment = COMPARED[name] as Ailment;
  const guilty = guiltyLinesOf(name);
  const run = await recorded(name);
  runs.push(run);
  const said: Record<string, Said | null> = {
    ...Object.fromEntries(LEVELS.map((level) => [`evdiag, ${level}`, evdiagSaid(name, level)])),
    'clinic doctor': doctorSaid(ailment, run.category),
    'blocked-at': blockedAtSaid(name, ailment, guilty, run.tools['blocked-at']),
    'why-is-node-running': handlesSaid(name, ailment, guilty, run.tools['why-is-node-running']),
    wtfnode: handlesSaid(name, ailment, guilty, run.tools.wtfnode),
  };
  rows.push({ name, ailment, said });
  say(
    `${name}: ${Object.entries(said)
      .map(([tool, told]) => `${tool} ${told?.verdict}`)
      .join(', ')}`,
  );
}
const loads = runs.map(({ load }) => Math.round(load)).sort((a, b) => a - b);
const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim();
const page = comparisonPage({
  tools: Object.keys(rows[0]?.said ?? {}),
  rows,
  command: ['node test/field/compare.mjs', ...process.argv.slice(2)].join(' '),
  circumstances: [
    `Node ${version}; ${versions.map(([name, number]) => `${name} ${number}`).join(', ')}`,
    `runs of the other tools: ${runs.map(({ at }) => at.slice(0, 16)).sort()[0]} UTC and later, load of the machine ${loads[0]} to ${loads.at(-1)}`,
  ],
});
process.stdout.write(page);
// What keeps a process alive is compared by ../why.mjs.
const before = existsSync(values.output) ? readFileSync(values.output, 'utf8') : '';
if (values.only === '') writeFileSync(values.output, `${page}${sectionIn(before, 'why')}`);
