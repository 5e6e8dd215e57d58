import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { rowsOf } from '../../src/recording/types.ts';
import { AGENT_CJS, inLab, ROOT, SPIN, saidBesidesSummary } from '../support/run-agent.ts';
import { commandOf, expectSameOutcome, NODE_TESTS, nodeMajor, VITEST_TESTS } from '../support/test-runners.ts';

const major = nodeMajor();
const modules = join(ROOT, 'node_modules');
/** Node 20 has processes only; later ones run the tests in the process of the runner as well. */
const ISOLATIONS = { 22: ['--experimental-test-isolation=none'], 24: ['--test-isolation=none'] };
const MODES = [[], ...(major >= 24 ? [ISOLATIONS[24]] : major >= 22 ? [ISOLATIONS[22]] : [])];

describe('test runners end as without the agent', () => {
  it.each(MODES.map((mode) => [mode]))(
    'node --test %j',
    inModeLab(async (lab, mode) => {
      const args = ['--test', ...mode, '--test-reporter=tap', 'test/first.test.cjs', 'test/second.test.cjs'];
      const { exitCode, results } = await expectSameOutcome(lab, { args, files: NODE_TESTS });
      expect(exitCode).toBe(1);
      expect(results).toEqual(expect.arrayContaining(['# pass 3', '# fail 1', 'ok - computes', 'not ok - fails']));
    }),
  );

  it.each(['threads', 'forks'])('vitest --pool=%s', (pool) =>
    inLab(async (lab) => {
      const args = [commandOf(modules, 'vitest'), 'run', `--pool=${pool}`, '--reporter=tap-flat'];
      const links = { vitest: join(modules, 'vitest') };
      const { exitCode, results } = await expectSameOutcome(lab, { args, files: VITEST_TESTS, links });
      expect(exitCode).toBe(1);
      expect(results).toHaveLength(4);
    })(),
  );
});

it(
  'a process without an inspector, as that of node --test, says in its recording why it has no stacks',
  inLab(async (lab) => {
    const text = `${SPIN} module.exports = async function* (events) { spin(300); for await (const _ of events) yield ''; };`;
    const reporter = lab.file('reporter.cjs', text);
    lab.file('one.test.cjs', `require('node:test').test('one', () => {});`);
    const node = ['-r', AGENT_CJS, '--test', `--test-reporter=${reporter}`, '--test-reporter-destination=stdout'];
    const run = await lab.run('one.test.cjs', { node, env: { EVDIAG_LEVEL: 'diagnose' } });
    expect(run.exitCode, run.stderr).toBe(0);
    expect(run.stderr).not.toContain('no stacks');
    const runner = lab.recordings().find(({ header }) => header.parentPid === process.pid)!;
    expect(rowsOf(runner, 'agent-error').map(({ message }) => message)).toEqual([
      'no stacks: This process has no inspector, so that nothing can be asked of its threads.',
    ]);
    expect(rowsOf(runner, 'stall').length).toBeGreaterThan(0);
  }),
);

it(
  'a Node that was built without the inspector is observed, without stacks',
  inLab(async (lab) => {
    const without = lab.file(
      'without-inspector.cjs',
      `const Module = require('node:module');
      const { _load } = Module;
      Module._load = function (id, ...rest) {
        if (/^(node:)?inspector$/.test(id)) throw Object.assign(new Error('Inspector is not available'), { code: 'ERR_INSPECTOR_NOT_AVAILABLE' });
        return _load.call(this, id, ...rest);
      };
      const { getBuiltinModule } = process;
      if (getBuiltinModule) process.getBuiltinModule = (id) => (/^(node:)?inspector$/.test(id) ? undefined : getBuiltinModule.call(process, id));`,
    );
    const app = lab.file('app.js', `${SPIN} setTimeout(() => { spin(300); console.log('done'); }, 300);`);
    const run = await lab.expectSame(app, { plain: ['-r', without], node: ['-r', without, '-r', AGENT_CJS] });
    expect(saidBesidesSummary(run).filter((line) => !line.startsWith('event loop '))).toEqual([]);
    const recording = lab.recording();
    expect(rowsOf(recording, 'stall').some(({ startup }) => !startup)).toBe(true);
    expect(rowsOf(recording, 'agent-error')).toHaveLength(1);
  }),
);

function inModeLab(body: (lab: Parameters<Parameters<typeof inLab>[0]>[0], mode: readonly string[]) => Promise<void>) {
  return (mode: readonly string[]) => inLab((lab) => body(lab, mode))();
}
