/** The package beside the tools of others, each from the registry: test runners, compilers, the oldest Node. */

import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { installedPackage, mustRun, NODE, run, typeCheck } from '../support/packed.ts';

const OLDEST = 'node_modules/node/bin/node';
const BESIDE = [
  'jest@30',
  'mocha@11',
  'node@20.11.0',
  'typescript-5.5@npm:typescript@5.5',
  'typescript-5@npm:typescript@5',
  '@arethetypeswrong/cli@0.18',
];

describe('the packed package beside others', () => {
  const folder = installedPackage(...BESIDE);
  const inModules = (path: string): string => join(folder, 'node_modules', path);

  test('Node 20.11.0, which cannot require ES modules, requires and imports it', async () => {
    const told = JSON.parse(await mustRun(join(folder, OLDEST), ['required.cjs'], folder));
    expect(told).toEqual({
      line: 3,
      isLeakError: true,
      sameForImport: true,
      sameNames: true,
      recording: 'functionjudge',
      plugin: 'evdiag',
    });
    expect(await mustRun(join(folder, OLDEST), ['bundled-import.mjs'], folder)).toBe('1 job\n');
  });

  test.each(['this Node', '20.11.0'])("Jest's own require, on %s: lines are those of the source", async (which) => {
    const node = which === '20.11.0' ? join(folder, OLDEST) : NODE;
    const args = [inModules('jest/bin/jest.js'), '--rootDir', 'jest', '--no-cache'];
    const { code, stderr } = await run(node, args, { cwd: folder });
    expect(code, stderr).toBe(0);
    expect(stderr).toContain('2 passed');
    expect(stderr, 'nothing of how it hooks in is told').not.toContain('DeprecationWarning');
  });

  test('mocha', async () => {
    expect(await mustRun(join(folder, OLDEST), [inModules('mocha/bin/mocha.js'), 'mocha.spec.cjs'], folder)).toContain(
      '1 passing',
    );
  });

  test.each([
    ['typescript-5.5', 'node16', 'node16'],
    ['typescript-5.5', 'commonjs', 'node10'],
    ['typescript-5', 'esnext', 'bundler'],
  ])(
    '%s, module %s, moduleResolution %s',
    async (name, ...how) => {
      expect(await typeCheck(inModules(`${name}/bin/tsc`), folder, ...how)).toBe('');
    },
    300_000,
  );

  test('each way to resolve it finds code and types of one kind', async () => {
    const [tarball] = (await mustRun('sh', ['-c', 'ls evdiag-*.tgz'], folder)).split('\n');
    expect(await mustRun('node_modules/.bin/attw', [tarball!], folder)).toContain('No problems found');
  });
});
