import { describe, expect, it } from 'vitest';
import { type HttpPool, rowsOf } from '../../src/recording/types.ts';
import { inLab, lineOf, OWN_ROWS } from '../support/run-agent.ts';

const DIAGNOSE = { EVDIAG_LEVEL: 'diagnose' };

/** The Agent of the undici within Node, with four connections; and a server that answers `/large` with more than any buffer on the way holds. */
const HEAD = `${OWN_ROWS}
const http = require('node:http');
const large = Buffer.alloc(8_000_000);
const pools = () => rows('waits').flatMap(({ pools }) => pools);
const server = http.createServer(({ url }, response) => {
  if (url === '/large') response.end(large);
  if (url === '/text') response.end('text');
}).listen(0, '127.0.0.1', async () => {
  const { port } = server.address();
  await fetch(\`http://127.0.0.1:\${port}/text\`).then((response) => response.text());
  const own = ['2', '1'].map((n) => globalThis[Symbol.for(\`undici.globalDispatcher.\${n}\`)]).find((one) => one);
  const dispatcher = new own.constructor({ connections: 4 });
  const kept = [];
  const ask = async (path, options = { dispatcher }) => {
    kept.push(await fetch(\`http://127.0.0.1:\${port}\${path}\`, options)); // asks
  };
`;
const TAIL = '\n});';

describe.concurrent('connections that all are taken', () => {
  it.each([
    ['/large', 'unread'],
    ['/silence', 'unanswered'],
  ])('of fetch, by requests of %s: %s, with their line', (path, state) =>
    inLab(async (lab) => {
      const text = `${HEAD}
  for (let i = 0; i < 13; i++) ask('${path}').catch(() => {});
  await until(() => pools().some(({ held }) => held.length === 4 && held.every(({ state }) => state === '${state}')));
  process.exit(0);${TAIL}`;
      await lab.run(lab.file('app.js', text), { env: DIAGNOSE });
      const pool = rowsOf(lab.recording(), 'waits')
        .flatMap(({ pools }): HttpPool[] => pools)
        .at(-1)!;
      expect(pool).toMatchObject({ max: 4, taken: 4, waiting: 0 });
      expect(pool.name).toMatch(/^127\.0\.0\.1:\d+$/);
      const lines = pool.held.flatMap(({ location, callers }) => [location, ...callers].map((at) => at?.line));
      expect(lines).toContain(lineOf(text, '// asks'));
    })(),
  );

  it(
    'of fetch, are no longer once the answers are read',
    inLab(async (lab) => {
      const text = `${HEAD}
  const all = Array.from({ length: 13 }, () => ask('/large'));
  await until(() => pools().length > 0);
  const read = [];
  const reading = setInterval(() => read.push(...kept.splice(0).map((response) => response.text())), 10);
  await until(() => read.length === 13);
  clearInterval(reading);
  await Promise.all([...all, ...read]);
  const seen = rows('unfinished').length;
  await until(() => rows('unfinished').length > seen + 1);
  const before = pools().length;
  await until(() => rows('unfinished').length > seen + 4);
  console.log(pools().length - before);
  process.exit(0);${TAIL}`;
      const { stdout } = await lab.run(lab.file('app.js', text), { env: DIAGNOSE });
      expect(stdout.trim()).toBe('0');
    }),
  );
});
