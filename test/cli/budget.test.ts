import { execFile } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { inLab, type Lab, ROOT } from '../support/run-agent.ts';

vi.setConfig({ testTimeout: 120_000 });

const BIN = join(ROOT, 'bin/evdiag.mjs');

/** Blocks its loop for as long as a child sleeps, which no busy machine is to blame for. */
const PROGRAM = `
const { execFileSync } = require('node:child_process');
const block = () => execFileSync('sleep', ['0.6']);
const timer = setInterval(block, 700);
setTimeout(() => clearInterval(timer), 2800);
`;

interface Ran {
  status: number;
  stdout: string;
  stderr: string;
}

function execute(lab: Lab, command: string, args: readonly string[], env: Record<string, string> = {}): Promise<Ran> {
  const clean = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(EVDIAG_|NODE_OPTIONS)/.test(name)),
  );
  return new Promise((resolve) => {
    execFile(command, args, { cwd: lab.folder, env: { ...clean, ...env }, maxBuffer: 64e6 }, (error, stdout, stderr) =>
      resolve({ status: error ? Number(error.code ?? -1) : 0, stdout, stderr }),
    );
  });
}

const run = (lab: Lab, ...args: string[]) => execute(lab, process.execPath, [BIN, ...args]);
const withBudget = (lab: Lab, budget: unknown) => lab.file('evdiag.config.json', JSON.stringify({ budget }));

test(
  'a program that exceeds the budget exits with 1 and is told why; a wider one is kept',
  inLab(async (lab) => {
    withBudget(lab, { maxStallMs: 300, allowGrowth: false });
    lab.file('app.cjs', PROGRAM);
    const ran = await run(lab, 'run', '--budget', '--json', '--', 'node', 'app.cjs');
    expect(ran.status).toBe(1);
    const { schema, budget } = JSON.parse(ran.stdout);
    expect(schema).toBe('evdiag-report/2');
    expect(budget).toMatchObject([
      { id: 'maxStallMs', state: 'exceeded', limit: 300, where: 'app.cjs:3' },
      { id: 'allowGrowth', state: 'kept', value: 0 },
    ]);
    lab.file('wide.json', JSON.stringify({ budget: { maxStallMs: 3_600_000 } }));
    const again = await run(lab, 'report', '--budget=wide.json');
    expect(again).toMatchObject({
      status: 0,
      stderr: expect.stringMatching(/budget \(wide\.json\)\n {2}kept +longest stall/),
    });
    expect((await run(lab, 'report', '--budget')).status).toBe(1);
  }),
);

describe('a file that does not fit is one sentence, before anything runs', () => {
  test.each([
    [null, /^evdiag: There is no evdiag\.config\.json\. Write one, such as/],
    ['{', /^evdiag: evdiag\.config\.json is not JSON: /],
    ['[]', /must hold an object/],
    ['{}', /has no budget/],
    ['{"budget":{}}', /has no budget/],
    ['{"budget":{"maxStalMs":1}}', /Did you mean "maxStallMs"\?/],
    ['{"budget":{"maxStallMs":"200"}}', /"maxStallMs" must be a number from 0 to 3600000/],
    ['{"budget":{"maxUtilization":50}}', /must be a number from 0 to 1/],
    ['{"budget":{"allowGrowth":0}}', /must be true or false/],
    ['{"budget":{"__proto__":1, "x":1}}', /cannot be limited/],
  ])('%s', (text, message) =>
    inLab(async (lab) => {
      if (text !== null) lab.file('evdiag.config.json', text);
      const { status, stderr } = await run(
        lab,
        'run',
        '--budget',
        '--',
        'node',
        '-e',
        "require('fs').writeFileSync('ran', '')",
      );
      expect([status, stderr.trim().split('\n').length]).toEqual([2, 1]);
      expect(stderr).toMatch(message);
      expect(existsSync(join(lab.folder, 'ran'))).toBe(false);
    })(),
  );
});

/** The scripts of the action's steps. */
function stepsOfAction(): string[] {
  const text = readFileSync(join(ROOT, 'action/action.yml'), 'utf8');
  return [...text.matchAll(/^ {6}run: \|\n((?: {8}.*\n?)+)/gm)].map(([, script]) => script!.replace(/^ {8}/gm, ''));
}

test(
  'the action runs the command, fails by the budget, annotates the line and writes a summary',
  inLab(async (lab) => {
    withBudget(lab, { maxStallMs: 300 });
    lab.file('app.cjs', PROGRAM);
    writeFileSync(join(lab.folder, 'summary.md'), '');
    const env = {
      COMMAND: 'node app.cjs && echo "after it"',
      BUDGET: 'evdiag.config.json',
      FAIL_ON: '',
      DURATION: '',
      OUT: 'recordings',
      EVDIAG: `${process.execPath} ${BIN}`,
      GITHUB_STEP_SUMMARY: join(lab.folder, 'summary.md'),
      GITHUB_WORKSPACE: lab.folder,
    };
    const [first, second, ...more] = stepsOfAction();
    expect(more).toEqual([]);
    // As GitHub runs bash.
    const step = (script: string) => execute(lab, 'bash', ['-e', '-o', 'pipefail', '-c', script], env);
    expect(await step(second!)).toMatchObject({ status: 0, stdout: '' });
    const ran = await step(first!);
    expect(ran).toMatchObject({ status: 1, stdout: expect.stringContaining('after it') });
    expect(ran.stderr).toMatch(/EXCEEDED +longest stall/);
    expect((await step(second!)).status).toBe(0);
    expect(readFileSync(join(lab.folder, 'summary.md'), 'utf8')).toContain('app.cjs:3');
  }),
);

test('the action takes inputs only through the environment', () => {
  for (const script of stepsOfAction()) expect(script).not.toContain('${{');
});
