import { createRequire } from 'node:module';
import { type Route, runIfMain, slowestPing, withServer } from './support.ts';
import type { Headline, Scenario } from './types.ts';

interface Bcrypt {
  hashSync(password: string, rounds: number): string;
  hash(password: string, rounds: number): Promise<string>;
}

/** About 200 ms. */
const ROUNDS = 12;
const REQUESTS = 5;

/** Native code, in the package bcrypt: null where that is not installed. */
function load(): Bcrypt | null {
  try {
    return createRequire(import.meta.url)('bcrypt') as Bcrypt;
  } catch {
    return null;
  }
}

function serve(login: (bcrypt: Bcrypt) => Route): Promise<Headline> {
  const bcrypt = load();
  if (!bcrypt) throw new Error('This scenario needs the package bcrypt: npm i bcrypt');
  return withServer({ '/login': login(bcrypt) }, async (get) => ({
    what: `the slowest /ping beside ${REQUESTS} logins`,
    value: await slowestPing(get, '/login', REQUESTS),
    unit: 'ms',
  }));
}

const loginBlocking = (bcrypt: Bcrypt) => (): string => {
  const hash = bcrypt.hashSync('password', ROUNDS); // guilty
  return hash;
};

const loginAwaiting = (bcrypt: Bcrypt) => async (): Promise<string> => {
  const hash = await bcrypt.hash('password', ROUNDS);
  return hash;
};

export const nativeAddOn: Scenario = {
  id: 'native-add-on',
  title: 'Hashing a password in a native add-on, synchronously',
  description:
    'A login calls the synchronous form of a native add-on: no JavaScript runs meanwhile, so no profiler of JavaScript sees it.',
  expect: [{ rule: 'blocked-event-loop', kind: 'native-addon' }],
  lacks: () => (load() ? null : 'the package bcrypt (npm i bcrypt)'),
  broken: () => serve(loginBlocking),
  fixed: () => serve(loginAwaiting),
};

runIfMain(import.meta.url, nativeAddOn);
