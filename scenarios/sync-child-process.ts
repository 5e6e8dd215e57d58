import { execFile, execFileSync } from 'node:child_process';
import { promisify } from 'node:util';
import { type Route, runIfMain, slowestPing, withServer } from './support.ts';
import type { Headline, Scenario } from './types.ts';

const execFileAsync = promisify(execFile);

/** A key is derived on the child's thread pool, about 250 ms with its start-up. */
const DERIVE_KEY = `
  require('node:crypto').pbkdf2('password', 'salt', 300000, 64, 'sha512', (error, key) => {
    if (error) throw error;
    console.log(key.toString('hex'));
  });`;
const REQUESTS = 5;

function deriveBlocking(): string {
  return execFileSync(process.execPath, ['-e', DERIVE_KEY], { encoding: 'utf8' }); // guilty
}

async function deriveAwaiting(): Promise<string> {
  const { stdout } = await execFileAsync(process.execPath, ['-e', DERIVE_KEY]);
  return stdout;
}

function serve(derive: Route): Promise<Headline> {
  return withServer({ '/key': derive }, async (get) => ({
    what: `the slowest /ping beside ${REQUESTS} child processes`,
    value: await slowestPing(get, '/key', REQUESTS),
    unit: 'ms',
  }));
}

export const syncChildProcess: Scenario = {
  id: 'sync-child-process',
  title: 'Waiting for a child process synchronously',
  description: 'A request runs a program with execFileSync: the server stands still until the child has ended.',
  expect: [{ rule: 'blocked-event-loop', kind: 'sync-child-process' }],
  broken: () => serve(deriveBlocking),
  fixed: () => serve(deriveAwaiting),
};

runIfMain(import.meta.url, syncChildProcess);
