/** Which callers a stall has: one chain, each link of which starts the next, or calls that the loop made one by one. */
import { expect, test } from 'vitest';
import { rowsOf } from '../../src/recording/types.ts';
import { inLab, type Lab } from '../support/run-agent.ts';

/** Runs its parts one after the other, and says when each began and ended. */
const HEAD = `
const http = require('node:http'); const net = require('node:net'); const { Readable } = require('node:stream');
const now = () => Number(process.hrtime.bigint()) / 1e6;
const rest = (ms) => new Promise((done) => setTimeout(done, ms));
const burn = (ms) => { const end = now() + ms; while (now() < end); };
const parts = {};
/** Ten connections, made before, on which something comes at the same time; what the server does with each is the part. */
const CLIENTS = 10;
async function ofSockets(server, write) {
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const clients = Array.from({ length: CLIENTS }, () => net.connect(server.address().port, '127.0.0.1'));
  await Promise.all(clients.map((client) => new Promise((done) => client.once('connect', done))));
  await rest(50);
  return async () => {
    const answers = clients.map((client) => new Promise((done) => client.once('data', done)));
    for (const client of clients) client.write(write);
    await Promise.all(answers);
  };
}
const ofRequests = (handle) => ofSockets(http.createServer(handle), 'POST / HTTP/1.1\\r\\nhost: a\\r\\ncontent-length: 2\\r\\n\\r\\n{}');
`;
const TAIL = `
(async () => {
  await rest(300);
  for (const [name, prepare] of Object.entries(parts)) {
    const run = await prepare();
    await rest(150);
    const from = now();
    await run();
    await rest(0);
    console.log(JSON.stringify({ name, from, to: now() }));
  }
  process.exit(0);
})();
`;

const SEPARATE = `
parts['requests that compute behind an await'] = () => ofRequests(async (q, r) => { await null; await null; burn(50); r.end('ok'); });
parts['requests that compute when their body has ended'] = () => ofRequests((q, r) => q.resume().on('end', () => { burn(50); r.end('ok'); }));
parts['requests that compute behind a body and an await'] = () => ofRequests(async (q, r) => { for await (const _ of q); burn(50); r.end('ok'); });
parts['messages of sockets'] = () => ofSockets(net.createServer((s) => s.on('data', async () => { await null; burn(50); s.write('ok'); })), 'x');
parts['replies that came together'] = async () => {
  const waiting = [];
  const parser = net.createServer((s) => s.on('data', (data) => { for (const _ of data) waiting.shift()(s); }));
  const send = await ofSockets(parser, 'xxxxx');
  const job = async () => { const s = await new Promise((done) => waiting.push(done)); burn(20); s.write('ok'); };
  return () => { for (let i = 0; i < 50; i++) job(); return send(); };
};
parts['ticks that one event queued'] = () => () => { for (let i = 0; i < 20; i++) process.nextTick(burn, 30); };
parts['timers that are due together'] = () => async () => { for (let i = 0; i < 20; i++) setTimeout(async () => { await null; burn(30); }, 1); await rest(5); };
`;

/** Each takes half a second of CPU, however long that lasts. */
const CHAINS = `
const LONG_US = 5e5;
const goesOn = () => { const from = process.cpuUsage(); return () => { const { user, system } = process.cpuUsage(from); return user + system < LONG_US; }; };
parts['awaits of what is there'] = () => async () => { const on = goesOn(); const ready = Promise.resolve(); while (on()) await ready; };
parts['awaits through several functions'] = () => async () => { const on = goesOn(); const get = async () => 1; const next = async () => (await get()) + 1; while (on()) await next(); };
parts['an async generator'] = () => async () => { const on = goesOn(); async function* all() { while (on()) yield 1; } for await (const _ of all()); };
parts['thenables'] = () => async () => { const on = goesOn(); while (on()) await { then(done) { done(1); } }; };
parts['promises that start the next'] = () => () => new Promise((done) => { const on = goesOn(); const step = () => void (on() ? Promise.resolve().then(step) : done()); step(); });
parts['steps of some milliseconds'] = () => async () => { const on = goesOn(); while (on()) { burn(2); await null; } };
parts['ticks that start the next'] = () => () => new Promise((done) => { const on = goesOn(); const step = () => (on() ? process.nextTick(step) : done()); step(); });
parts['ticks and promises'] = () => async () => { const on = goesOn(); while (on()) await new Promise((done) => process.nextTick(done)); };
parts['a stream from memory'] = () => async () => { const on = goesOn(); function* all() { while (on()) yield 'x'; } for await (const _ of Readable.from(all())); };
let first = true;
parts['a chain that a request began'] = () => ofRequests(async (q, r) => { const on = first ? goesOn() : () => false; first = false; while (on()) await null; r.end('ok'); });
`;

/** The chains told of each part's stalls. */
async function chainsOf(lab: Lab, parts: string, before = ''): Promise<Record<string, unknown[]>> {
  const { stdout } = await lab.run(lab.file('app.cjs', before + HEAD + parts + TAIL));
  const recording = lab.recording();
  const stalls = rowsOf(recording, 'stall');
  const told = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { name: string; from: number; to: number });
  return Object.fromEntries(
    told.map(({ name, from, to }) => {
      const start = recording.header.startMonotonicMs;
      const within = stalls.filter(({ startMs, durationMs }) => {
        const middle = start + startMs + durationMs / 2;
        return middle > from && middle < to;
      });
      return [name, within.map(({ chain }) => chain)];
    }),
  );
}

/** Where async hooks are on, Node numbers promises as well. */
const HOOKED = `new (require('node:async_hooks').AsyncLocalStorage)().enterWith({}); require('node:async_hooks').createHook({ init() {} }).enable();`;

test.each([
  ['', ''],
  [' where the application has async hooks', HOOKED],
])('calls that come together are no chain%s', async (_when, before) => {
  await inLab(async (lab) => {
    const chains = await chainsOf(lab, SEPARATE, before);
    expect(Object.keys(chains)).toHaveLength(7);
    for (const [name, told] of Object.entries(chains)) {
      expect(told.length, name).toBeGreaterThan(0);
      expect(told, name).not.toContain('microtask');
      expect(told, name).not.toContain('nexttick');
    }
  })();
});

test('calls that start the next one are a chain', async () => {
  await inLab(async (lab) => {
    const chains = await chainsOf(lab, CHAINS);
    expect(Object.keys(chains)).toHaveLength(10);
    const judged = Object.entries(chains).flatMap(([name, told]) => {
      // On a host without a free core too few stacks may come to tell: then nothing is said.
      const known = told.filter((chain) => chain !== undefined);
      return known.length > 0 ? [{ name, known }] : [];
    });
    expect(judged.length).toBeGreaterThan(5);
    for (const { name, known } of judged) {
      const expected = name === 'ticks that start the next' ? ['nexttick'] : ['microtask', 'nexttick'];
      expect(
        known.some((chain) => expected.includes(chain as string)),
        `${name}: ${known}`,
      ).toBe(true);
    }
  })();
});
