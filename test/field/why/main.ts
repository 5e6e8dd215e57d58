/** What `node test/field/why.mjs` runs: see there. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { AGENT_CJS, ROOT } from '../../support/run-agent.ts';
import { FIELD } from '../answers.ts';
import { withSection } from '../compare/sections.ts';
import { installed } from '../home.ts';
import { LATER_DB, SHAPES, SILENT_SERVER } from './shapes.ts';
import { type Verdict, verdictOf } from './verdict.ts';

const { values } = parseArgs({ options: { node: { type: 'string', default: process.execPath } } });
const node = resolve(values.node);
const TOOLS = ['evdiag', 'why-is-node-running', 'wtfnode'] as const;
/** Far more than any of the programs needs to get where it hangs. */
const WAIT_MS = 3000;
const HANG_MS = 60_000;
const PAGE = join(ROOT, 'docs/comparison.md');

const say = (text: string): void => void process.stderr.write(`${text}\n`);
const toolsHome = installed(join(FIELD, 'why'), node, say);
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'evdiag-why-')));
mkdirSync(join(folder, 'node_modules/later-db'), { recursive: true });
writeFileSync(join(folder, 'node_modules/later-db/index.js'), LATER_DB);
const server = spawn(node, ['-e', SILENT_SERVER], { stdio: ['ignore', 'pipe', 'inherit'] });
const [port] = (await once(server.stdout, 'data')) as [Buffer];

/** Everything that the program printed until it was asked, or said by itself. */
function saidBy(tool: (typeof TOOLS)[number], file: string): Promise<string> {
  const preload = tool === 'evdiag' ? AGENT_CJS : join(FIELD, 'why/preload.cjs');
  const child = spawn(node, ['-r', preload, file], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env.PATH,
      PORT: String(port).trim(),
      ...(tool === 'evdiag'
        ? { EVDIAG_WHY: `${WAIT_MS}ms`, EVDIAG_QUIET: '1', EVDIAG_OUT: join(folder, 'out') }
        : { TOOL: tool, TOOLS_HOME: toolsHome, WAIT_MS: String(WAIT_MS) }),
    },
  });
  let text = '';
  const hung = setTimeout(() => child.kill('SIGKILL'), HANG_MS);
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (more: string) => {
      text += more;
      if (text.includes('more: npx evdiag why')) child.kill('SIGKILL');
    });
  }
  return new Promise((resolve) => {
    child.on('close', () => {
      clearTimeout(hung);
      resolve(text);
    });
  });
}

const rows: { name: string; verdicts: Verdict[] }[] = [];
try {
  for (const [i, [name, text]] of Object.entries(SHAPES).entries()) {
    const file = join(folder, `shape-${i}.cjs`);
    writeFileSync(file, text);
    const line = text.split('\n').findIndex((one) => one.endsWith('// here')) + 1;
    const said: Verdict[] = [];
    for (const tool of TOOLS) said.push(verdictOf(await saidBy(tool, file), `shape-${i}.cjs`, line));
    rows.push({ name, verdicts: said });
    say(`${name}: ${TOOLS.map((tool, at) => `${tool} ${said[at]}`).join(', ')}`);
  }
} finally {
  server.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
}

const versions = JSON.parse(readFileSync(join(FIELD, 'why/package.json'), 'utf8')).dependencies as Record<
  string,
  string
>;
const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim();
const table = [
  '## What keeps a process alive',
  '',
  `Ten programs that do not end ([test/field/why/shapes.ts](../test/field/why/shapes.ts)), each with one tool loaded first of all and asked ${WAIT_MS / 1000} s later; evdiag with`,
  '`EVDIAG_WHY`. “the line”: the line of the program is named that a person has to change. “another line”: one of the program, or of the package, and not that one. “nothing”: no',
  'line of either, whatever class of handle is named. `node test/field/why.mjs` writes this section',
  `(Node ${version}; ${Object.entries(versions)
    .map(([name, number]) => `${name} ${number}`)
    .join(', ')}).`,
  '',
  `| what it hangs on | ${TOOLS.join(' | ')} |`,
  `|---|${TOOLS.map(() => '---|').join('')}`,
  ...rows.map(({ name, verdicts }) => `| ${name} | ${verdicts.join(' | ')} |`),
  `| the line | ${TOOLS.map((_, at) => `${rows.filter(({ verdicts }) => verdicts[at] === 'the line').length} of ${rows.length}`).join(' | ')} |`,
].join('\n');
writeFileSync(PAGE, withSection(readFileSync(PAGE, 'utf8'), 'why', table));
say(table);
