import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { rowsOf } from '../../src/recording/types.ts';
import { complaints, inLab, type Lab, ROOT, TEST_NODE } from '../support/run-agent.ts';

const REPLACED = join(ROOT, 'test/support/replaced.cjs');
const GROUPS = [
  'constructors',
  'names',
  'arrays',
  'typedArrays',
  'collections',
  'iterators',
  'strings',
  'statics',
  'promises',
  'limit',
  'prepare',
  'capture',
];

describe('a program that deletes or replaces built-ins after its start ends as without the agent, and each part that failed is told once', () => {
  for (const level of ['watch', 'diagnose'])
    for (const group of GROUPS)
      it.concurrent(
        `${group} at level ${level}`,
        inLab(async (lab: Lab) => {
          const env = { EVDIAG_LEVEL: level, EVDIAG_SUMMARY: '0' };
          const run = await lab.expectSame(REPLACED, { args: [group], env });
          expect(run.exitCode, run.stderr).toBe(7);
          expect(complaints(run)).toEqual([]);
          const told = rowsOf(lab.recording(), 'agent-error').map(({ message }) => message);
          const parts = told.map((message) => message.split(' failed')[0]);
          expect(parts).toEqual([...new Set(parts)]);
          // No global is looked up: see test/primordials.test.ts. Methods are.
          if (group === 'constructors' || group === 'names') expect(told).toEqual([]);
          if (group === 'arrays')
            expect(told).toContainEqual(expect.stringMatching(/short intervals failed and is switched off: bang$/));
        }),
      );
});

// Node 20 cannot make an entry of a PerformanceObserver without it.
const IS_NODE_20 = execFileSync(TEST_NODE, ['--version'], { encoding: 'utf8' }).startsWith('v20.');

it.skipIf(IS_NODE_20)(
  'the iterator of arrays may throw where garbage is collected',
  inLab(async (lab: Lab) => {
    const text = `
function collect(rounds) { let all; for (let i = 0; i < rounds; i++) all = new Array(1000).fill({}); return all; }
setTimeout(() => {
  Object.defineProperty(Array.prototype, Symbol.iterator, { value() { throw new Error('bang'); } });
  collect(20_000);
  setTimeout(() => { collect(20_000); setTimeout(() => { process.exitCode = 7; }, 50); }, 50);
}, 300);`;
    const run = await lab.expectSame(lab.file('app.cjs', text), { env: { EVDIAG_QUIET: '1' } });
    expect(run).toMatchObject({ exitCode: 7, stderr: '' });
    const collections = rowsOf(lab.recording(), 'gc').reduce((sum, { count }) => sum + count, 0);
    expect(collections).toBeGreaterThan(0);
  }),
);
