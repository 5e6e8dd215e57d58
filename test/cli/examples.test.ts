import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { mustRun, run } from '../support/packed.ts';
import { tempFolder } from '../support/recording.ts';

const EXAMPLES = fileURLToPath(new URL('../../examples', import.meta.url));
const BIN = join(EXAMPLES, '../bin/evdiag.mjs');

/** Where `evdiag` is resolved from within the package itself. */
const inFolder = (name: string): string => join(EXAMPLES, name);

test('the server with a line that blocks: the agent names it', async () => {
  const out = tempFolder();
  const env = { ...process.env, EVDIAG_OUT: out, PORT: '0' };
  const args = ['-r', 'evdiag/agent', 'server.mjs'];
  const server = spawn(process.execPath, args, {
    cwd: inFolder('blocking-server'),
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stderr = '';
  server.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const [address] = (await once(server.stdout.setEncoding('utf8'), 'data')) as [string];
  // Beyond start-up, where a block is information.
  for (let i = 0; i < 3; i++) await fetch(`${address.trim()}/report`).then((response) => response.text());
  server.kill('SIGTERM');
  await once(server, 'close');
  expect(stderr).toMatch(/sync-crypto|synchronous cryptography/);
  expect(stderr).toContain('server.mjs:6');
});

test('the gate passes without the route that blocks, and fails with it', async () => {
  const gate = (...args: string[]) => {
    const words = [
      BIN,
      'run',
      '--fail-on',
      'warning',
      '--out',
      tempFolder(),
      '--',
      process.execPath,
      'load.mjs',
      ...args,
    ];
    return run(process.execPath, words, { cwd: inFolder('ci-gate') });
  };
  expect(await gate()).toMatchObject({ code: 0 });
  const { code, stderr } = await gate('--report');
  expect(stderr).toContain('app.mjs');
  expect(code, stderr).toBe(1);
});

test('the tests of the vitest example pass', async () => {
  const vitest = join(EXAMPLES, '../node_modules/vitest/vitest.mjs');
  const text = await mustRun(process.execPath, [vitest, 'run'], inFolder('vitest'));
  expect(text).toContain('1 expected fail');
});
