import { describe, expect, it } from 'vitest';
import { type RowOf, rowsOf } from '../../src/recording/types.ts';
import { complaints, inLab, type Lab, OWN_ROWS, ROOT, SPIN } from '../support/run-agent.ts';

/**
 * JavaScript that defines `serve(handler)`, which starts a server and calls `client` with `get(path)`, and `stalled(name)`: whether
 * the recording has a stall in that function whose request or job is known. A busy machine may take several attempts until it is.
 */
const SERVER = `
const http = require('node:http');
const { setTimeout: pause } = require('node:timers/promises');
${SPIN}
${OWN_ROWS}
const isIn = (name) => (row) => row.stacks.some(({ frames }) => frames.some((frame) => frame.function === name));
const known = (name) => rows('stall').some((row) => isIn(name)(row) && row.work);
const seen = (name) => rows('stall').some(isIn(name));
function serve(handler, client, options = {}) {
  const server = http.createServer(handler).listen(0, '127.0.0.1', async () => {
    const { port } = server.address();
    const agent = new http.Agent({ keepAlive: true, ...options });
    const get = (path, use = () => {}) => new Promise((resolve) => {
      const request = http.get({ port, host: '127.0.0.1', path, agent }, (response) => response.resume().on('end', () => resolve(response.statusCode)));
      request.on('error', () => resolve(0));
      use(request);
    });
    await get('/');
    await client(get, port);
    agent.destroy();
    server.close();
  });
}
/** Repeats until what is to be seen is there. */
async function again(attempt, isThere) {
  do await attempt(); while (!isThere());
}
`;

type Stall = RowOf<'stall'>;

const isIn =
  (name: string) =>
  ({ stacks }: Stall): boolean =>
    stacks.some(({ frames }) => frames.some((frame) => frame.function === name));

/** Whose work stalls in that function were. */
function worksIn(lab: Lab, name: string): string[] {
  const stalls = rowsOf(lab.recording(), 'stall').filter(isIn(name));
  expect(stalls.length, `stalls in ${name}`).toBeGreaterThan(0);
  return [...new Set(stalls.flatMap(({ work }) => (work ? [`${work.kind} ${work.name}`] : [])))];
}

/** So that a stall need not be long; at level diagnose a small program is followed whole on all versions of Node. */
const CLOSE = { EVDIAG_LEVEL: 'diagnose', EVDIAG_SLOW_MS: '50', EVDIAG_QUIET: '1' };

async function run(lab: Lab, text: string): Promise<void> {
  const ended = await lab.run(lab.file('app.js', `${SERVER}\n${text}`), { env: CLOSE, hangMs: 55_000 });
  const { exitCode, ownStderr } = ended;
  expect({ exitCode, ownStderr }).toEqual({ exitCode: 0, ownStderr: '' });
  expect(complaints(ended)).toEqual([]);
}

/** The names of what ended. */
function counted(lab: Lab): string[] {
  const names = rowsOf(lab.recording(), 'work').flatMap(({ entries }) => entries.map(({ name }) => name));
  return [...new Set(names)].sort();
}

describe('a stall is the work of the request that caused it', () => {
  it(
    'after an await, on a connection that others use, in timers that it has started, after errors, and when the client has gone',
    inLab(async (lab) => {
      await run(
        lab,
        `
function slow() { spin(80); }
function first() { spin(80); }
function second() { spin(80); }
function later() { spin(80); }
function mending() { spin(80); }
function unheard() { spin(80); }
const handler = async (request, response) => {
  const path = request.url.split('?')[0];
  try {
    if (path === '/slow/1234') { await pause(30); slow(); }
    if (path === '/other/5678') await pause(60);
    if (path === '/first') first();
    if (path === '/second') setImmediate(second);
    if (path === '/timer') setTimeout(later, 30);
    if (path === '/fails') { await pause(5); throw new Error('expected'); }
    if (path === '/left') { await pause(50); unheard(); }
    response.end('ok');
  } catch {
    mending();
    response.writeHead(500).end();
  }
};
const left = async (get) => {
  await get('/left', (request) => request.once('socket', () => setTimeout(() => request.destroy(), 20)));
  await pause(150);
};
const isCounted = (name, field) => rows('work').some(({ entries }) => entries.some((one) => one.name === name && one[field] > 0));
// Two at a time share two connections.
serve(handler, async (get) => {
  await again(() => Promise.all([get('/slow/1234?key=secret'), pause(10).then(() => get('/other/5678?key=secret'))]), () => known('slow'));
  await again(async () => { await get('/first'); await get('/'); }, () => known('first'));
  await again(async () => { await get('/second'); await get('/'); }, () => known('second'));
  await again(async () => { await get('/timer'); await pause(10); await get('/'); await pause(150); }, () => known('later'));
  await again(() => get('/fails'), () => known('mending') && isCounted('GET /fails', 'failed'));
  await again(() => left(get), () => known('unheard') && isCounted('GET /left', 'aborted'));
}, { maxSockets: 2 });`,
      );
      const works = Object.fromEntries(
        ['slow', 'first', 'second', 'later', 'mending', 'unheard'].map((name) => [name, worksIn(lab, name)]),
      );
      expect(works).toEqual({
        slow: ['request GET /slow/:id'],
        first: ['request GET /first'],
        second: ['request GET /second'],
        later: ['request GET /timer'],
        mending: ['request GET /fails'],
        unheard: ['request GET /left'],
      });
      expect(counted(lab).join()).not.toContain('secret');
    }),
  );

  it(
    'in synchronous calls, while a body arrives, and by the route that a framework publishes',
    inLab(async (lab) => {
      await run(
        lab,
        `
const { channel } = require('node:diagnostics_channel');
function hashing() { require('node:crypto').pbkdf2Sync('a', 'b', 200_000, 64, 'sha512'); }
function parsing() { spin(80); }
function work() { spin(80); }
const handler = async (request, response) => {
  if (request.url === '/hash') hashing();
  if (request.url.startsWith('/shop/')) {
    // As Express does it below a router.
    request.originalUrl = request.url;
    request.baseUrl = '/shop/77';
    request.route = { path: '/items/:item' };
    request.url = '/items/blue';
    await pause(5);
    work();
  }
  // As Fastify does it.
  if (request.url.startsWith('/published/')) channel('tracing:fastify.request.handler:start').publish({ request: { raw: request }, reply: { raw: response }, route: { url: '/published/:what' } });
  request.resume().on('end', () => {
    if (request.url === '/upload') parsing();
    response.writeHead(request.url.startsWith('/nowhere') ? 404 : 200).end('ok');
  });
};
const post = (port) => new Promise((resolve) => http.request({ port, host: '127.0.0.1', path: '/upload', method: 'POST', agent: false }, (response) => response.resume().on('end', resolve)).end('x'.repeat(200_000)));
const isCounted = (name) => rows('work').some(({ entries }) => entries.some((one) => one.name === name));
serve(handler, async (get, port) => {
  await get('/published/green');
  await get('/nowhere/admin.php');
  await again(() => get('/hash'), () => known('hashing'));
  // Node 24 and later do not carry the context of a request to the listeners of its body.
  await again(() => post(port), () => seen('parsing'));
  await again(() => get('/shop/77/items/blue?x=1'), () => known('work') && isCounted('GET /shop/:id/items/:item'));
});`,
      );
      expect(worksIn(lab, 'hashing')).toEqual(['request GET /hash']);
      expect(worksIn(lab, 'parsing').filter((name) => name !== 'request POST /upload')).toEqual([]);
      expect(worksIn(lab, 'work')).toEqual(['request GET /shop/:id/items/:item']);
      expect(counted(lab)).toEqual([
        'GET (not found)',
        'GET /',
        'GET /hash',
        'GET /published/:what',
        'GET /shop/:id/items/:item',
        'POST /upload',
      ]);
    }),
  );
});

it(
  'who waited is whoever had begun when the stall ended, also within the blocked turn itself',
  inLab(async (lab) => {
    await run(
      lab,
      `
let begun = null;
function background() { spin(80); }
setInterval(() => { if (begun) { background(); begun(); begun = null; } }, 1).unref();
const handler = async (request, response) => {
  if (request.url === '/waits') await new Promise((resolve) => { begun = resolve; });
  response.end('ok');
};
const stalls = () => rows('stall').filter(isIn('background'));
serve(handler, async (get) => { while (stalls().length < 8) { await get('/waits'); await get('/'); } });`,
    );
    const stalls = rowsOf(lab.recording(), 'stall').filter(isIn('background'));
    const told = stalls.filter(({ waited }) => waited?.some(({ name }) => name === 'GET /waits'));
    // Of the last one the program does not say any more.
    expect(told.length).toBeGreaterThanOrEqual(stalls.length - 1);
  }),
);

describe('a stall is nobody’s work', () => {
  it(
    'if the program does it by itself while requests are in progress, or on a connection that another request has opened',
    inLab(async (lab) => {
      await run(
        lab,
        `
const net = require('node:net');
function background() { spin(80); }
function answered() { spin(80); }
const backend = net.createServer((socket) => socket.on('data', (data) => setTimeout(() => socket.write(data), 30))).listen(0, '127.0.0.1');
let pooled;
const waiting = [];
const query = (done) => {
  // Whoever comes first opens it, for all: callbacks run in the context of that one.
  pooled ??= net.connect(backend.address().port, '127.0.0.1').on('data', () => waiting.shift()());
  waiting.push(done);
  pooled.write('x');
};
const handler = async (request, response) => {
  if (request.url === '/opener' || request.url === '/second') {
    query(() => { if (request.url === '/second') answered(); response.end('ok'); });
    return;
  }
  await pause(50);
  response.end('ok');
};
const count = (name) => rows('stall').filter(isIn(name)).length;
const timer = setInterval(background, 300);
serve(handler, async (get) => {
  await again(() => Promise.all([get('/one'), get('/two'), get('/one')]), () => count('background') >= 2);
  clearInterval(timer);
  await get('/opener');
  await again(() => get('/second'), () => count('answered') >= 2);
  pooled.destroy();
  backend.close();
});`,
      );
      expect(worksIn(lab, 'background')).toEqual([]);
      expect(worksIn(lab, 'answered').filter((name) => name !== 'request GET /second')).toEqual([]);
    }),
  );
});

describe('requests of HTTP/2, and jobs', () => {
  it(
    'are told by their routes where Node publishes streams, and by the name that label() gives; it returns and throws as before',
    inLab(async (lab) => {
      await run(
        lab,
        `
const { label } = require(${JSON.stringify(`${ROOT}/dist/evdiag.cjs`)}).library;
const http2 = require('node:http2');
const assert = require('node:assert');
function work() { spin(80); }
function importing() { spin(80); }
const job = () => label('job', 'nightly import', async () => { await pause(10); importing(); return 42; });
const server = http2.createServer(async (request, response) => {
  if (request.url.startsWith('/busy')) { await pause(20); work(); }
  response.end('ok');
}).listen(0, '127.0.0.1', async () => {
  assert.equal(label('job', 'at once', () => undefined), undefined);
  let calls = 0;
  assert.throws(() => label('message', 'order', () => { calls++; throw new RangeError('expected'); }), RangeError);
  assert.equal(calls, 1);
  await assert.rejects(label('message', 'order', async () => { throw new RangeError('expected'); }), RangeError);
  await again(async () => assert.equal(await job(), 42), () => known('importing') && rows('work').length > 0);
  const session = http2.connect('http://127.0.0.1:' + server.address().port);
  const get = (path) => new Promise((resolve) => session.request({ ':path': path }).resume().on('end', resolve));
  const isPublished = !process.version.startsWith('v20.');
  await again(() => Promise.all([get('/busy/12?token=secret'), get('/idle')]), () => isPublished ? known('work') : seen('work'));
  session.close();
  server.close();
});`,
      );
      // On a busy machine one stall may cover what ran before as well.
      expect(worksIn(lab, 'importing')).toContain('job nightly import');
      const entries = rowsOf(lab.recording(), 'work').flatMap((row) => row.entries);
      const orders = entries.filter(({ name }) => name === 'order');
      expect(orders.map(({ kind }) => kind)).toContain('message');
      expect(orders.reduce((sum, { failed }) => sum + failed, 0)).toBe(2);
      const isPublished = !lab.recording().header.nodeVersion.startsWith('v20.');
      expect(worksIn(lab, 'work')).toEqual(isPublished ? ['request GET /busy/:id'] : []);
    }),
  );
});
