import { spawnSync } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import { describe, expect, it, test } from 'vitest';
import { LoadedMaps } from '../../agents/watchdog/loaded-maps.ts';
import { createFrameMapper } from '../../src/recording/source-maps.ts';
import { rowsOf } from '../../src/recording/types.ts';
import { evdiag } from '../support/dump.ts';
import { tempFolder } from '../support/recording.ts';
import { AGENT_CJS, inLab, type Lab, lineOf, ROOT, TEST_NODE } from '../support/run-agent.ts';

const ESBUILD = JSON.stringify(`${ROOT}/node_modules/esbuild/lib/main.js`);
const OPTIONS = "{ loader: 'ts', sourcemap: 'inline', minify: true, sourcefile: file";

/** As ts-node, @swc-node/register and @babel/register do: a hook of require, which gives the module other code. */
const REQUIRE_HOOK = `
const { transformSync } = require(${ESBUILD});
const { readFileSync } = require('node:fs');
require.extensions['.ts'] = (module, file) => {
  const { code } = transformSync(readFileSync(file, 'utf8'), ${OPTIONS}, format: 'cjs' });
  module._compile(code, file);
};
`;

/** As tsx does: a hook of import in a thread of its own, and Node's own source maps. */
const IMPORT_HOOK = `
import { register } from 'node:module';
process.setSourceMapsEnabled(true);
const hooks = \`
import { transformSync } from ${JSON.stringify(pathToFileURL(`${ROOT}/node_modules/esbuild/lib/main.js`).href)};
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
export async function load(url, context, next) {
  if (!url.endsWith('.mts')) return next(url, context);
  const file = fileURLToPath(url);
  const { code } = transformSync(readFileSync(file, 'utf8'), ${OPTIONS}, format: 'esm' });
  return { format: 'module', source: code, shortCircuit: true };
}\`;
register('data:text/javascript,' + encodeURIComponent(hooks));
`;

/** As @swc-node/register/esm does: the maps are in what it hands over, and nowhere else. */
const SILENT_HOOK = IMPORT_HOOK.replace('process.setSourceMapsEnabled(true);', '');

const BLOCK = `
function block(job: Job): number {
  const { user }: NodeJS.CpuUsage = process.cpuUsage();
  let turns = 0;
  while (process.cpuUsage().user - user < job.ms * 1000) turns++; // guilty
  return turns;
}
`;
const APP = `/** A comment that goes. */
interface Job {
  ms: number;
}
type Unused = { a: string };
${BLOCK}
const server = setInterval(() => {}, 50);
setTimeout(() => {
  console.log(block({ ms: 500 }) > 0);
`;
const GOES_ON = `${APP}  setTimeout(() => clearInterval(server), 500);\n}, 300);\nexport {};\n`;
/** There is no turn of the loop after the stall. */
const EXITS = `${APP}  clearInterval(server);\n  process.exit(0);\n}, 300);\nexport {};\n`;

const HOOKS = [
  { name: 'a hook of require', file: 'app.ts', node: (lab: Lab) => ['-r', lab.file('hook.cjs', REQUIRE_HOOK)] },
  { name: 'a hook of import', file: 'app.mts', node: (lab: Lab) => ['--import', lab.file('hook.mjs', IMPORT_HOOK)] },
  {
    name: 'a hook of import that keeps its maps',
    file: 'app.mts',
    node: (lab: Lab) => ['--import', lab.file('hook.mjs', SILENT_HOOK)],
  },
];
const TRANSFORM = ['--experimental-transform-types', '--no-warnings'];
const { status } = spawnSync(TEST_NODE, [...TRANSFORM, '-e', '0'], { stdio: 'ignore' });
if (status === 0) HOOKS.push({ name: 'Node', file: 'app.mts', node: () => TRANSFORM });

describe.each(HOOKS)('of a file that $name has translated', ({ file, node }) => {
  it.each([
    ['and goes on', GOES_ON],
    ['and ends at once', EXITS],
  ])('a stall has the line of the source: the program blocks %s', (_, text) =>
    inLab(async (lab) => {
      const { stdout } = await lab.run(lab.file(file, text), { node: ['-r', AGENT_CJS, ...node(lab)] });
      expect(stdout, 'the program runs once').toBe('true\n');
      // A hook of import has a thread of its own, with a recording of its own.
      const rows = lab.recordings().flatMap((recording) => rowsOf(recording, 'stall'));
      const stalls = rows.filter(({ location }) => location?.function === 'block');
      expect(stalls.length).toBeGreaterThan(0);
      for (const { location } of stalls) expect(location).toMatchObject({ line: lineOf(text, '// guilty') });
    })(),
  );
});

it(
  'profiles and dumps have the lines of the source',
  inLab(async (lab) => {
    const text = `interface Unused { a: string }
type Other = {
  b: number;
};

function spin(ms: number): number {
  const end = performance.now() + ms; let sum = 0; while (performance.now() < end) sum++; // spins
  return sum;
}
async function waits(on: Promise<void>): Promise<void> {
  await on; // waits
}
setInterval(() => spin(10), 100);
(globalThis as Record<string, unknown>).kept = [new Promise<void>((r) => void ((globalThis as any).settle = r))].map((one) => [one, waits(one)]);
console.log('up');
`;
    const hook = lab.file('hook.cjs', REQUIRE_HOOK);
    const program = lab.start(lab.file('app.ts', text), { node: ['-r', AGENT_CJS, '-r', hook] });
    await program.until('stdout', 'up');
    await program.watched();
    await evdiag(['record', String(program.pid), '-d', '1', '-o', `${lab.folder}/a.cpuprofile`]);
    const stats = await evdiag(['stats', `${lab.folder}/a.cpuprofile`, '--json']);
    const { rows } = JSON.parse(stats.stdout) as { rows: { name: string; location?: { line: number } }[] };
    expect(rows.find(({ name }) => name === 'spin')?.location?.line).toBe(lineOf(text, '// spins') - 1);
    const dump = await evdiag(['dump', String(program.pid), '--yes']);
    expect(dump.stdout).toContain(`waits ${lab.folder}/app.ts:${lineOf(text, '// waits')}:`);
    program.kill('SIGKILL');
    await program.ended;
  }),
);

describe('maps that a thread is asked for', () => {
  // Vite looks for such a comment in this very file.
  const COMMENT = ['//# sourceMapping', 'URL='].join('');
  const INLINE = `${COMMENT}data:application/json;base64,${Buffer.from(
    JSON.stringify({ version: 3, sources: ['app.ts'], names: [], mappings: 'AAIA' }),
  ).toString('base64')}`;
  const open = (name: string) => {
    const file = `${tempFolder({ [name]: 'let a: number = 1;\n' })}/${name}`;
    const asked: unknown[] = [];
    const maps = new LoadedMaps({ call: (_user, name, args) => void asked.push([name, ...args]) });
    const toFrame = createFrameMapper(maps.runText);
    const lines: number[] = [];
    const see = (): void =>
      maps.mapped(
        () => toFrame(['f', file, 1, 1]).line,
        (line) => void lines.push(line),
      );
    return { file, asked, maps, lines, see };
  };

  test('are waited for, asked for once, and used from then on', () => {
    const { file, asked, maps, lines, see } = open('app.ts');
    see();
    see();
    for (let i = 0; i < 5; i++) maps.tick(true);
    expect(asked).toEqual([['wantMaps', [file]]]);
    expect(maps.isUnknown(file)).toBe(true);
    expect(lines).toEqual([]);
    maps.onMaps({ [file]: INLINE });
    see();
    expect(lines).toEqual([5, 5, 5]);
    expect(maps.isUnknown(file)).toBe(false);
  });

  test('are not waited for without end, but while the loop is blocked', () => {
    const { maps, lines, see } = open('app.ts');
    see();
    for (let i = 0; i < 1000; i++) maps.tick(false);
    expect(lines).toEqual([]);
    for (let i = 0; i < 1000; i++) maps.tick(true);
    expect(lines).toEqual([1]);
  });

  test('are given up when the thread ends', () => {
    const { maps, lines, see } = open('app.ts');
    see();
    maps.finish();
    expect(lines).toEqual([1]);
  });

  test('leave JavaScript’s lines in doubt for nobody', () => {
    const { file, maps, see } = open('app.js');
    see();
    expect(maps.isUnknown(file)).toBe(false);
  });

  test('are not asked for where the file has one on disk, or is not there', () => {
    const asked: unknown[] = [];
    const maps = new LoadedMaps({ call: (_user, name, args) => void asked.push([name, ...args]) });
    const folder = tempFolder({ 'app.js': `a();\n${COMMENT}app.js.map\n` });
    expect(maps.runText(`${folder}/app.js`, `${folder}/app.js`)).toBeNull();
    expect(maps.runText(`${folder}/gone.ts`, `${folder}/gone.ts`)).toBeNull();
    maps.tick(true);
    expect(asked).toEqual([]);
  });
});
