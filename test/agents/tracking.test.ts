import { describe, expect, it } from 'vitest';
import { type Recording, rowsOf, type UnfinishedEntry } from '../../src/recording/types.ts';
import { AGENT_CJS, inLab, lineOf, OWN_ROWS, WITH_AGENT } from '../support/run-agent.ts';

const DIAGNOSE = { EVDIAG_LEVEL: 'diagnose' };

/** The entry of that line in the last row that has one. */
function entryAt(recording: Recording, what: UnfinishedEntry['what'], line: number, type?: string): UnfinishedEntry {
  const fits = (entry: UnfinishedEntry): boolean =>
    entry.what === what && entry.location?.line === line && (type === undefined || entry.type === type);
  const found = rowsOf(recording, 'unfinished')
    .flatMap(({ entries }) => entries)
    .findLast(fits);
  if (!found) throw new Error(`no ${what} at line ${line}: ${JSON.stringify(rowsOf(recording, 'unfinished').at(-1))}`);
  return found;
}

/** Ends once the agent has told of what the program made. */
const THEN_EXIT = "until(() => rows('unfinished').length > 1).then(() => process.exit(0));";

// They wait for rows most of the time.
describe.concurrent('what is not finished is told with its line and its number', () => {
  it(
    'suspended calls, by the line of the await',
    inLab(async (lab) => {
      const text = `${OWN_ROWS}
const kept = [];
async function waits() {
  await new Promise((resolve) => kept.push(resolve)); // waits
}
async function outer() {
  await waits(); // outer
}
for (let i = 0; i < 7; i++) outer();
for (let i = 0; i < 5; i++) waits();
setTimeout(() => kept.splice(0, 4).forEach((resolve) => resolve()), 300);
${THEN_EXIT}`;
      await lab.run(lab.file('app.js', text), { env: DIAGNOSE });
      const recording = lab.recording();
      expect(entryAt(recording, 'await', lineOf(text, '// waits'))).toMatchObject({ created: 12, ended: 4, alive: 8 });
      const outer = entryAt(recording, 'await', lineOf(text, '// outer'));
      expect(outer).toMatchObject({ created: 7, ended: 4, alive: 3, madeBy: { what: 'call' } });
    }),
  );

  it(
    'the line of the program that calls a library, however many functions of libraries there are below it',
    inLab(async (lab) => {
      const levels = Array.from({ length: 10 }, (_, i) => `const f${i + 1} = (emitter) => f${i}(emitter);`);
      const library = `const f0 = (emitter) => emitter.on('data', () => {});\n${levels.join('\n')}\nmodule.exports = f10;\n`;
      lab.file('node_modules/deep/index.js', library);
      const text = `${OWN_ROWS}
const listen = require('deep');
// Kept: what V8 collects has no listeners any more.
const emitter = (globalThis.emitter = new (require('node:events'))());
emitter.setMaxListeners(0);
for (let i = 0; i < 30; i++) listen(emitter); // listens
${THEN_EXIT}`;
      await lab.run(lab.file('app.js', text), { env: DIAGNOSE });
      const entry = entryAt(lab.recording(), 'listener', lineOf(text, '// listens'));
      expect(entry).toMatchObject({ type: 'emitter', alive: 30 });
    }),
  );

  it(
    'and of a connection, however many functions of libraries and of Node there are below it',
    inLab(async (lab) => {
      const levels = Array.from({ length: 14 }, (_, i) => `const f${i + 1} = (port) => f${i}(port);`);
      const library = `const http = require('node:http');
const f0 = (port) => http.get({ host: '127.0.0.1', port }, (response) => response.pause());\n${levels.join('\n')}\nmodule.exports = f14;\n`;
      lab.file('node_modules/deep/index.js', library);
      const text = `${OWN_ROWS}
const ask = require('deep');
const server = require('node:http').createServer(() => {}).listen(0, '127.0.0.1', () => {
  for (let i = 0; i < 5; i++) ask(server.address().port); // asks
});
${THEN_EXIT}`;
      await lab.run(lab.file('app.js', text), { env: DIAGNOSE });
      expect(entryAt(lab.recording(), 'handle', lineOf(text, '// asks'), 'TCPWRAP')).toMatchObject({ alive: 5 });
    }),
  );

  it(
    'streams of files until they are closed: one that nobody knows any more keeps its descriptor',
    inLab(async (lab) => {
      const text = `${OWN_ROWS}
const fs = require('node:fs');
const streams = [];
for (let i = 0; i < 6; i++) streams.push(fs.createReadStream(__filename)); // reads
const entries = () => rows('unfinished').flatMap(({ entries }) => entries).filter(({ type }) => type === 'FILESTREAM');
(async () => {
  await until(() => entries().at(-1)?.alive === 6 && streams.every(({ fd }) => fd !== null));
  streams.splice(0, 2).forEach((stream) => stream.destroy());
  await until(() => entries().at(-1)?.ended === 2);
  streams.length = 0;
  const seen = rows('unfinished').length;
  await until(() => (gc(), rows('unfinished').length > seen + 1));
  process.exit(0);
})();`;
      await lab.run(lab.file('app.js', text), { env: DIAGNOSE, node: [...WITH_AGENT, '--expose-gc'] });
      const entry = entryAt(lab.recording(), 'handle', lineOf(text, '// reads'), 'FILESTREAM');
      expect(entry).toMatchObject({ created: 6, ended: process.platform === 'linux' ? 2 : entry.ended });
    }),
  );

  it(
    'requests from outside that have no answer, and those whose body nobody reads',
    inLab(async (lab) => {
      const text = `${OWN_ROWS}
const http = require('node:http');
const server = http.createServer((request, response) => {
  if (request.url === '/events') response.write('begins');
  if (request.url === '/half') request.once('data', () => request.pause());
}).listen(0, '127.0.0.1', async () => {
  const ask = (path, n) => {
    for (let i = 0; i < n; i++) http.request({ port: server.address().port, path, method: 'POST' }).on('error', () => {}).end(Buffer.alloc(5e5));
  };
  ask('/events', 40);
  ask('/waits', 7);
  ask('/half', 4);
  const isSeen = ({ unanswered, unread }) => unanswered === 11 && unread > 0;
  await until(() => rows('unfinished').some(isSeen));
  process.exit(0);
});`;
      await lab.run(lab.file('app.js', text), { env: DIAGNOSE });
      const last = rowsOf(lab.recording(), 'unfinished').findLast(({ unread = 0 }) => unread > 0);
      expect(last).toMatchObject({ unanswered: 11, unread: 11 });
    }),
  );

  it(
    'who waits for whom, once some have waited for seconds: those that hold something apart from those that want it',
    inLab(async (lab) => {
      const text = `${OWN_ROWS}
let free = 2;
const queue = [];
async function use(job) {
  if (free === 0) await new Promise((resolve) => queue.push(resolve)); // waits
  else free--;
  await job(); // runs
  queue.shift()?.();
}
async function inner() {
  await use(async () => {}); // inner
}
async function outer() {
  await use(inner); // outer
}
for (let i = 0; i < 6; i++) outer();
until(() => rows('waits').length > 0).then(() => process.exit(0));`;
      await lab.run(lab.file('app.js', text), { env: DIAGNOSE });
      const { frames, groups, codes } = rowsOf(lab.recording(), 'waits').at(-1)!;
      const [waits, ...lines] = ['waits', 'inner', 'runs', 'outer'].map((word) => lineOf(text, `// ${word}`));
      const counts: Record<string, number> = {};
      for (const { count, chain } of groups) {
        const [innermost, ...outer] = chain.map((i) => frames[i]!.line);
        if (innermost === waits) counts[outer.join()] = (counts[outer.join()] ?? 0) + count;
      }
      // The first call got both, and has ended.
      expect(counts).toEqual({ [lines.join()]: 2, [lines[2]!]: 3 });
      expect(codes).toContain('new Promise((resolve) => queue.push(resolve))');
    }),
  );

  it(
    'what Node makes only after it has looked up a name, by the line that asked for it',
    inLab(async (lab) => {
      const text = `${OWN_ROWS}
const http = require('node:http');
const net = require('node:net');
net.createServer().listen(0, 'localhost'); // net
const server = http.createServer().listen({ port: 0, host: 'localhost' }, () => { // http
  net.connect(server.address().port, 'localhost'); // connect
  http.get({ port: server.address().port, host: 'localhost' }).on('error', () => {}); // get
});
${THEN_EXIT}`;
      await lab.run(lab.file('app.js', text), { env: DIAGNOSE });
      const recording = lab.recording();
      for (const [name, type] of Object.entries({
        net: 'TCPSERVERWRAP',
        http: 'TCPSERVERWRAP',
        connect: 'TCPWRAP',
        get: 'TCPWRAP',
      })) {
        const entry = entryAt(recording, 'handle', lineOf(text, `// ${name}`), type);
        expect(entry, name).toMatchObject({ created: 1, alive: 1 });
      }
    }),
  );

  it(
    'suspended calls that a busy program starts once, and that its sample may have missed',
    inLab(async (lab) => {
      const text = `${OWN_ROWS}
const kept = [];
async function busy() {
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    await Promise.all([1, 2, 3].map(async () => { await null; }));
  }
}
async function stuck() {
  await new Promise((resolve) => kept.push(resolve)); // stuck
}
async function passesOn() {
  return new Promise((resolve) => kept.push(resolve)).then(String);
}
async function outer() {
  await passesOn(); // outer
}
async function all() {
  await Promise.all([stuck(), stuck()]); // all
}
for (let i = 0; i < 10; i++) setTimeout(busy, 10 * i);
setTimeout(() => {
  for (let i = 0; i < 3; i++) stuck();
  for (let i = 0; i < 5; i++) outer();
  for (let i = 0; i < 4; i++) all();
}, 1000);
until(() => rows('unfinished').length > 4).then(() => process.exit(0));`;
      await lab.run(lab.file('app.js', text), { env: DIAGNOSE });
      const recording = lab.recording();
      const at = (mark: string) => entryAt(recording, 'await', lineOf(text, `// ${mark}`));
      expect(at('stuck')).toMatchObject({ created: 11, ended: 0, alive: 11 });
      // Each is counted twice where no time was left to tell its await from the reaction that settles it.
      expect(at('outer').alive).toBeGreaterThanOrEqual(5);
      expect(at('outer').alive).toBeLessThanOrEqual(10);
      expect(at('all')).toMatchObject({ created: 4, ended: 0, alive: 4 });
    }),
  );

  it(
    'timers, sockets, files and workers, by the line that made them',
    inLab(async (lab) => {
      const text = `${OWN_ROWS}
const net = require('node:net');
const { open } = require('node:fs/promises');
const { Worker } = require('node:worker_threads');
const files = [];
const server = net.createServer(() => {}).listen(0, async () => {
  for (let i = 0; i < 6; i++) setInterval(() => {}, 1e6); // interval
  for (let i = 0; i < 6; i++) clearInterval(setInterval(() => {}, 1e6)); // cleared
  for (let i = 0; i < 4; i++) net.connect(server.address().port); // socket
  for (let i = 0; i < 3; i++) files.push(await open(__filename)); // file
  for (let i = 0; i < 2; i++) new Worker('setInterval(() => {}, 1e6)', { eval: true }); // worker
});
${THEN_EXIT}`;
      await lab.run(lab.file('app.js', text), { env: { ...DIAGNOSE } });
      const recording = lab.recordings().find(({ header }) => header.threadId === 0)!;
      const at = (mark: string, type: string) => entryAt(recording, 'handle', lineOf(text, `// ${mark}`), type);
      expect(at('interval', 'Timeout')).toMatchObject({ created: 6, ended: 0, alive: 6, referenced: 6 });
      expect(at('socket', 'TCPWRAP')).toMatchObject({ created: 4, alive: 4, via: ['net'] });
      expect(at('file', 'FILEHANDLE')).toMatchObject({ created: 3, alive: 3 });
      expect(at('worker', 'WORKER')).toMatchObject({ created: 2, alive: 2, referenced: 2 });
      // Node tells of what is gone when its loop next turns: a row may be earlier.
      const last = rowsOf(recording, 'unfinished').at(-1)!.entries;
      expect(last.filter(({ location, alive }) => location?.line === lineOf(text, '// cleared') && alive > 0)).toEqual(
        [],
      );
    }),
  );

  it(
    'streams of compression that are done are over, however late they are collected',
    inLab(async (lab) => {
      const text = `${OWN_ROWS}
const { createGzip } = require('node:zlib');
const streams = [];
for (let i = 0; i < 6; i++) streams.push(createGzip()); // streams
for (let i = 0; i < 5; i++) streams[i].end('text').resume();
const isOver = ({ type, alive }) => type === 'ZLIB' && alive === 1;
until(() => rows('unfinished').some(({ entries }) => entries.some(isOver))).then(() => process.exit(streams.length - 6));`;
      await lab.run(lab.file('app.js', text), { env: DIAGNOSE });
      const streams = entryAt(lab.recording(), 'handle', lineOf(text, '// streams'), 'ZLIB');
      expect(streams).toMatchObject({ created: 6, ended: 5, alive: 1 });
    }),
  );

  it(
    'what a synchronous call made is over when it returns, however late it is collected',
    inLab(async (lab) => {
      const text = `${OWN_ROWS}
const { pbkdf2Sync, scryptSync } = require('node:crypto');
for (let i = 0; i < 20; i++) {
  pbkdf2Sync('password', 'salt', 1, 8, 'sha1');
  scryptSync('password', 'salt', 8);
}
setTimeout(() => {}, 1e6); // timer
const isTimer = ({ what, detail }) => what === 'handle' && detail === '1000000 ms';
until(() => rows('unfinished').some(({ entries }) => entries.some(isTimer))).then(() => process.exit());`;
      await lab.run(lab.file('app.js', text), { env: DIAGNOSE });
      const entries = rowsOf(lab.recording(), 'unfinished').flatMap(({ entries }) => entries);
      const handles = entries.filter(({ what, location }) => what === 'handle' && location?.file.endsWith('app.js'));
      expect(new Set(handles.map(({ type }) => type))).toEqual(new Set(['Timeout']));
    }),
  );

  it(
    'timers that their callback starts again are one each, as old as the first',
    inLab(async (lab) => {
      const text = `${OWN_ROWS}
function poll() {
  setTimeout(poll, 20); // re-armed
}
for (let i = 0; i < 5; i++) poll();
function twice() {
  setTimeout(() => setTimeout(() => {}, 15), 15);
}
setInterval(twice, 50);
${THEN_EXIT}`;
      await lab.run(lab.file('app.js', text), { env: DIAGNOSE });
      const entries = rowsOf(lab.recording(), 'unfinished')
        .at(-1)!
        .entries.filter(({ detail }) => detail === 're-armed');
      expect(entries).toMatchObject([
        { location: { line: lineOf(text, '// re-armed') }, alive: 5, created: 5, ended: 0 },
      ]);
      expect(entries[0]!.oldestMs).toBeGreaterThan(500);
    }),
  );

  it(
    'timers that start again all the time are as many as there are, however fast they are',
    inLab(async (lab) => {
      const text = `${OWN_ROWS}
function poll() {
  const again = () => setTimeout(again, 5); // re-armed
  again();
}
for (let i = 0; i < 60; i++) poll();
const chains = () => rows('unfinished').flatMap(({ entries }) => entries).filter(({ detail }) => detail === 're-armed');
until(() => chains().at(-1)?.alive === 60).then(() => process.exit(0));`;
      await lab.run(lab.file('app.js', text), { env: DIAGNOSE });
      const counts = rowsOf(lab.recording(), 'unfinished')
        .flatMap(({ entries }) => entries)
        .filter(({ detail }) => detail === 're-armed')
        .map(({ alive }) => alive);
      expect(Math.max(...counts)).toBe(60);
    }),
  );

  it(
    'listeners of one emitter and of one signal',
    inLab(async (lab) => {
      const text = `${OWN_ROWS}
const { EventEmitter } = require('node:events');
const bus = new EventEmitter().setMaxListeners(0);
const controller = new AbortController();
const quiet = new EventEmitter();
for (let i = 0; i < 30; i++) bus.on('change', () => {}); // emitter
for (let i = 0; i < 40; i++) controller.signal.addEventListener('abort', () => {}); // signal
for (let i = 0; i < 5; i++) quiet.on('change', () => {});
setInterval(() => [bus, controller], 1000);
${THEN_EXIT}`;
      await lab.run(lab.file('app.js', text), { env: DIAGNOSE });
      const recording = lab.recording();
      const listeners = rowsOf(recording, 'unfinished')
        .at(-1)!
        .entries.filter(({ what }) => what === 'listener');
      expect(listeners.map(({ type, alive, location }) => [type, alive, location?.line]).sort()).toEqual([
        ['abort-signal', 40, lineOf(text, '// signal')],
        ['emitter', 30, lineOf(text, '// emitter')],
      ]);
    }),
  );

  it(
    'calls that were lost, and those that nobody awaited',
    inLab(async (lab) => {
      const text = `${OWN_ROWS}
async function lost() {
  try { await new Promise(() => {}); } finally { console.log('never'); } // lost
}
async function fails() { throw new Error('forgotten'); }
process.on('unhandledRejection', () => {});
function careless() {
  fails(); // careless
}
function deliberate() {
  void fails(); // deliberate
}
setTimeout(() => { for (let i = 0; i < 5; i++) { lost(); careless(); deliberate(); } }, 50);
setInterval(() => gc(), 300).unref();
until(() => rows('unfinished').some(({ entries }) => entries.some(({ floating }) => floating > 0))).then(() => setTimeout(() => process.exit(0), 1500));`;
      const run = await lab.run(lab.file('app.js', text), { env: DIAGNOSE, node: ['-r', AGENT_CJS, '--expose-gc'] });
      expect(run.stdout).toBe('');
      const recording = lab.recording();
      expect(entryAt(recording, 'await', lineOf(text, '// lost'))).toMatchObject({ created: 5, lost: 5, alive: 0 });
      expect(entryAt(recording, 'call', lineOf(text, '// careless'))).toMatchObject({ floating: 5, rejected: 5 });
      const rows = rowsOf(recording, 'rejection');
      expect(rows.reduce((sum, { kind, count }) => sum + (kind === 'swallowed' ? count : 0), 0)).toBe(10);
      const calls = rowsOf(recording, 'unfinished').flatMap(({ entries }) =>
        entries.filter(({ what }) => what === 'call'),
      );
      expect(calls.filter(({ location }) => location?.line === lineOf(text, '// deliberate'))).toEqual([]);
    }),
  );

  it(
    'what runs on after a Promise.all was rejected, and what an aborted operation leaves',
    inLab(async (lab) => {
      const text = `${OWN_ROWS}
const { setTimeout: delay } = require('node:timers/promises');
async function operation(signal, tidy) {
  const timer = setInterval(() => {}, 1000); // leftover
  if (tidy) signal.addEventListener('abort', () => clearInterval(timer), { once: true });
  await delay(1e6, null, { signal });
}
async function run(tidy) {
  const controller = new AbortController();
  const done = operation(controller.signal, tidy).catch(() => {});
  setTimeout(() => controller.abort(), 100); // aborts
  await done;
}
(async () => {
  await Promise.all([delay(1500), delay(1500), delay(20).then(() => { throw new Error('one'); })]).catch(() => {}); // all
  await run(false);
  await run(true);
})();
until(() => rows('aborted').length > 0 && rows('orphans').length > 0).then(() => setTimeout(() => process.exit(0), 1500));`;
      await lab.run(lab.file('app.js', text), { env: DIAGNOSE });
      const recording = lab.recording();
      const [orphans, ...more] = rowsOf(recording, 'orphans');
      expect(more).toEqual([]);
      expect(orphans).toMatchObject({
        total: 3,
        pending: 2,
        stillPending: 0,
        location: { line: lineOf(text, '// all') },
      });
      const aborted = rowsOf(recording, 'aborted');
      expect(aborted.map(({ leftovers }) => leftovers.length)).toEqual([1]);
      expect(aborted[0]).toMatchObject({
        abortedAt: { line: lineOf(text, '// aborts') },
        leftovers: [{ type: 'Timeout', location: { line: lineOf(text, '// leftover') } }],
      });
    }),
  );
});

describe.concurrent('tracking leaves no trace', () => {
  it(
    'while it runs, errors, contexts and results are as without',
    inLab(async (lab) => {
      const text = `
const { AsyncLocalStorage } = require('node:async_hooks');
const { once, EventEmitter } = require('node:events');
const { setTimeout: delay } = require('node:timers/promises');
const storage = new AsyncLocalStorage();
class Own extends Promise {}
(async () => {
  console.log(await Promise.all([1, delay(5, 2), Own.resolve(3)]), (await Own.all([1])).length, Own.all([]) instanceof Own);
  console.log(await Promise.all([Promise.reject(new Error('no'))]).catch((error) => error.message));
  await storage.run('mine', async () => { await delay(2); console.log(storage.getStore()); });
  console.log(storage.getStore());
  const controller = new AbortController();
  const aborted = once(controller.signal, 'abort');
  controller.abort('because');
  await aborted;
  console.log(controller.signal.aborted, controller.signal.reason);
  try { controller.signal.throwIfAborted(); } catch (reason) { console.log(reason); }
  for (const broken of [() => Promise.all.call(1, []), () => EventEmitter.prototype.on.call({}, 'x', 1), () => Reflect.get(AbortSignal.prototype, 'aborted'), () => Promise.all()]) {
    try { await broken(); console.log('fine'); } catch (error) { console.log(error.name, error.message.split('\\n')[0]); }
  }
  process.on('unhandledRejection', (error) => { console.log('unhandled', error.message); process.exitCode = 3; });
  Promise.reject(new Error('swallowed'));
})();`;
      await lab.expectSame(lab.file('app.js', text), { env: DIAGNOSE });
    }),
  );

  it(
    'a rejection without a handler ends the process as without',
    inLab(async (lab) => {
      const text = `
process.once('unhandledRejection', () => console.log('first'));
Promise.reject(new Error('one'));
setTimeout(() => Promise.reject(new Error('two')), 500);
setTimeout(() => console.log('not reached'), 3000);`;
      const run = await lab.expectSame(lab.file('app.js', text), { env: DIAGNOSE });
      expect(run).toMatchObject({ stdout: 'first\n', exitCode: 1 });
      const kinds = rowsOf(lab.recording(), 'rejection').map(({ kind }) => kind);
      expect(kinds).toContain('fatal');
    }),
  );
});
