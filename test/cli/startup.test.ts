import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import type { StartupModule } from '../../src/startup/types.ts';
import { inLab, type Lab, ROOT, TEST_NODE } from '../support/run-agent.ts';

vi.setConfig({ testTimeout: 120_000 });

/** Long enough to be seen on any machine. */
const BUSY = 'for (const end = performance.now() + 40; performance.now() < end; );\n';

interface Ran {
  status: number;
  stdout: string;
  stderr: string;
}

function startup(lab: Lab, ...args: string[]): Promise<Ran> {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(EVDIAG_|NODE_OPTIONS)/.test(name)));
  return new Promise((resolve) => {
    const all = [join(ROOT, 'bin/evdiag.mjs'), 'startup', ...args];
    execFile(process.execPath, all, { cwd: lab.folder, env, maxBuffer: 64e6 }, (error, stdout, stderr) =>
      resolve({ status: error ? Number(error.code ?? -1) : 0, stdout, stderr }),
    );
  });
}

function withModules(lab: Lab, type: 'cjs' | 'mjs'): void {
  const load = (name: string): string => (type === 'cjs' ? `require('${name}');\n` : `import '${name}';\n`);
  lab.file('node_modules/heavy/package.json', JSON.stringify({ name: 'heavy', version: '1.0.0', main: 'main.cjs' }));
  lab.file('node_modules/heavy/main.cjs', `require('./part.cjs');\n${BUSY}`);
  lab.file('node_modules/heavy/part.cjs', BUSY);
  lab.file(`own.${type}`, `${load('heavy')}${BUSY}`);
  lab.file(`app.${type}`, `${load(`./own.${type}`)}${BUSY}setInterval(() => {}, 1e6);\n`);
}

/** Indented names of the files, without those of Node's own start. */
const names = (modules: readonly StartupModule[], folder: string, depth = 0): string[] =>
  modules.flatMap(({ file, modules: below }) => [
    `${'  '.repeat(depth)}${file.replace(`${folder}/`, '')}`,
    ...names(below, folder, depth + 1),
  ]);

describe('evdiag startup', () => {
  test(
    'of a program that goes on running: its modules as a tree and by package, in JSON',
    inLab(async (lab) => {
      withModules(lab, 'cjs');
      const { status, stdout, stderr } = await startup(lab, '--json', '--', TEST_NODE, 'app.cjs');
      expect([status, stderr]).toEqual([0, '']);
      const { schema, reason, modules, packages, totalMs } = JSON.parse(stdout);
      expect([schema, reason]).toEqual(['evdiag-startup/1', 'waits']);
      expect(names(modules, lab.folder)).toEqual([
        'app.cjs',
        '  own.cjs',
        '    node_modules/heavy/main.cjs',
        '      node_modules/heavy/part.cjs',
      ]);
      expect(packages.map((one: { package: string | null; modules: number }) => [one.package, one.modules])).toEqual(
        expect.arrayContaining([
          ['heavy', 2],
          [null, 2],
        ]),
      );
      expect(modules[0].totalMs).toBeCloseTo(totalMs, 6);
      expect(modules[0].totalMs).toBeGreaterThan(modules[0].modules[0].totalMs);
    }),
  );

  test(
    'of ES modules: each with its importer where Node reports it, else beside the entry',
    inLab(async (lab) => {
      withModules(lab, 'mjs');
      const { stdout } = await startup(lab, '--json', '--', TEST_NODE, 'app.mjs');
      const { modules, nodeVersion } = JSON.parse(stdout);
      const [major, minor] = nodeVersion.slice(1).split('.').map(Number);
      const tree = names(modules, lab.folder);
      if (major > 22 || (major === 22 && minor >= 15)) {
        expect(tree).toEqual([
          'app.mjs',
          '  own.mjs',
          '    node_modules/heavy/main.cjs',
          '      node_modules/heavy/part.cjs',
        ]);
      } else {
        expect(tree.map((line) => line.trim()).sort()).toEqual([
          'app.mjs',
          'node_modules/heavy/main.cjs',
          'node_modules/heavy/part.cjs',
          'own.mjs',
        ]);
      }
    }),
  );

  test(
    'as text, with a flamegraph; a program that ends is not ended by us',
    inLab(async (lab) => {
      lab.file('part.cjs', BUSY);
      lab.file('app.cjs', `require('./part.cjs');\nconsole.log('own words');\n`);
      const { status, stdout, stderr } = await startup(lab, '-o', 'startup.html', '--', TEST_NODE, 'app.cjs');
      expect(status).toBe(0);
      expect(stdout).toMatch(/^own words\n.* in \d+ modules? that took long enough to be seen\n/);
      expect(stdout).toMatch(/ part\.cjs$/m);
      expect(stderr).toMatch(/app\.cjs: it ended after /);
      expect(readFileSync(join(lab.folder, 'startup.html'), 'utf8')).toContain('part.cjs');
    }),
  );

  test(
    'what cannot be measured is one sentence',
    inLab(async (lab) => {
      const said = async (...args: string[]) => {
        const { status, stdout, stderr } = await startup(lab, ...args);
        expect([stdout, stderr.trim().split('\n').length], stderr).toEqual(['', 1]);
        return [status, stderr];
      };
      expect(await said()).toEqual([2, expect.stringContaining('There is no command to run.')]);
      expect(await said('--', 'no-such-program-at-all')).toEqual([3, expect.stringContaining('could not be started')]);
      expect(await said('--', 'true')).toEqual([3, expect.stringContaining('Nothing was measured')]);
      expect(await said('-o', 'x.what', '--', 'true')).toEqual([2, expect.stringContaining('not clear from its name')]);
    }),
  );
});
