import { pbkdf2, pbkdf2Sync } from 'node:crypto';
import { promisify } from 'node:util';
import { type Route, runIfMain, slowestPing, withServer } from './support.ts';
import type { Headline, Scenario } from './types.ts';

const pbkdf2Async = promisify(pbkdf2);

/** About 250 ms. */
const ITERATIONS = 450_000;
const REQUESTS = 5;

function loginBlocking(): string {
  const key = pbkdf2Sync('password', 'salt', ITERATIONS, 64, 'sha512'); // guilty
  return key.toString('hex');
}

async function loginAwaiting(): Promise<string> {
  const key = await pbkdf2Async('password', 'salt', ITERATIONS, 64, 'sha512');
  return key.toString('hex');
}

function serve(login: Route): Promise<Headline> {
  return withServer({ '/login': login }, async (get) => ({
    what: `the slowest /ping beside ${REQUESTS} logins`,
    value: await slowestPing(get, '/login', REQUESTS),
    unit: 'ms',
  }));
}

export const syncCrypto: Scenario = {
  id: 'sync-crypto',
  title: 'Hashing a password synchronously',
  description: 'A login derives its key with pbkdf2Sync on the main thread instead of on the thread pool.',
  expect: [{ rule: 'blocked-event-loop', kind: 'sync-crypto' }],
  broken: () => serve(loginBlocking),
  fixed: () => serve(loginAwaiting),
};

runIfMain(import.meta.url, syncCrypto);
