import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { build } from 'esbuild';
import { describe, expect, test } from 'vitest';
import { connect } from '../../src/attach/connect.ts';
import { takeDump } from '../../src/attach/take-dump.ts';
import { callsIn, countsByPlace, dumpOf, markedPlaces, threadOf } from '../support/dump.ts';
import { AGENT_CJS, complaints, inLab, lineOf } from '../support/run-agent.ts';

const STRESS_MS = 2000;

/** Every way of waiting. A mark like /*3*\/ stands where so many calls are suspended. */
const WAYS = `
const { EventEmitter, on, once } = require('node:events');
const { PassThrough, Readable } = require('node:stream');
const { finished, pipeline } = require('node:stream/promises');
const timers = require('node:timers/promises');

const keep = [];
globalThis.keep = keep;
const gate = () => new Promise((resolve) => keep.push(resolve));
const kept = (object) => { keep.push(object); return object; };
const times = (n, make) => { for (let i = 0; i < n; i++) keep.push(make()); };
const emitter = new EventEmitter();

async function plain() { /*7*/await gate(); }
times(7, plain);
const arrow = async () => { /*2*/await gate(); };
times(2, arrow);
const expression = async () => /*3*/await gate();
times(3, expression);
times(1, async () => { /*1*/await gate(); });
class Store {
  async method() { /*2*/await gate(); }
  static async fixed() { /*1*/await gate(); }
  async #hidden() { /*1*/await gate(); }
  open() { return this.#hidden(); }
  field = async () => { /*1*/await gate(); };
}
const store = new Store();
times(2, () => store.method());
times(1, Store.fixed);
times(1, () => store.open());
times(1, store.field);
const object = { async inObject() { /*1*/await gate(); } };
times(1, () => object.inObject());

async function all() { /*2*/await Promise.all([gate(), gate(), gate()]); }
times(2, all);
async function allOfCalls() { /*1*/await Promise.all([element(), element()]); }
async function element() { /*2*/await gate(); }
times(1, allOfCalls);
async function any() { /*2*/await Promise.any([gate(), gate()]); }
times(2, any);
async function race() { /*2*/await Promise.race([gate(), gate(), gate(), gate()]); }
times(2, race);
async function settled() { /*2*/await Promise.allSettled([gate(), gate()]); }
times(2, settled);

async function chained() { /*2*/await gate().then((x) => x).catch(() => {}).finally(() => {}); }
times(2, chained);
async function returning() { return below(); }
async function below() { /*2*/await gate(); }
times(2, returning);
async function above() { /*3*/await middle(); }
async function middle() { /*3*/await lowest(); }
async function lowest() { /*3*/await gate(); }
times(3, above);
async function twice(second) { if (second) { /*2*/await gate(); } else { /*3*/await gate(); } }
times(3, () => twice(false));
times(2, () => twice(true));
async function guarded() { try { /*1*/await gate(); } finally { await 0; } }
times(1, guarded);
async function down(n) { if (n > 0) /*4*/await down(n - 1); else /*1*/await gate(); }
times(1, () => down(4));

async function event() { /*2*/await once(emitter, 'x'); }
times(2, event);
async function events() { for await (const /*2*/x of on(emitter, 'x')) x; }
times(2, events);
async function sleeping() { /*2*/await timers.setTimeout(1e6); }
times(2, sleeping);
async function ticking() { for await (const /*1*/x of timers.setInterval(1e6)) x; }
times(1, ticking);
async function reading(stream) { for await (const /*2*/x of stream) x; }
times(2, () => reading(kept(new Readable({ read() {} }))));
async function piping() { /*1*/await pipeline(kept(new Readable({ read() {} })), new PassThrough()); }
times(1, piping);
async function finishing(stream) { /*1*/await finished(stream); }
times(1, () => finishing(kept(new PassThrough())));

async function* numbers() { yield 1; /*2*/await gate(); yield 2; }
async function consuming() { for await (const /*2*/n of numbers()) n; }
times(2, consuming);
async function* delegating() { /*1*/yield* numbersOnce(); }
async function* numbersOnce() { /*1*/await gate(); }
async function consumingBoth() { for await (const /*1*/n of delegating()) n; }
times(1, consumingBoth);
async function ofPromises() { for await (const /*1*/x of [gate(), gate()]) x; }
times(1, ofPromises);
async function* asked() { /*1*/await gate(); }
const generator = asked();
times(3, () => generator.next());

async function thenable() { /*2*/await { then(resolve) { keep.push(resolve); } }; }
times(2, thenable);
class Deferred extends Promise {}
async function subclass() { /*2*/await new Deferred((resolve) => keep.push(resolve)); }
times(2, subclass);
async function ofSubclass() { /*2*/await Deferred.race([gate(), gate()]); }
times(2, ofSubclass);

const ready = gate();
async function sharing() { /*5*/await ready; }
times(5, sharing);
async function sharingAlso() { const text = 'await ' + \`\${/await/.source}\`; /*1*/await ready; return text; } // await
times(1, sharingAlso);
const sharedCall = plain2();
async function plain2() { /*1*/await gate(); }
async function ofSharedCall() { /*2*/await sharedCall; }
times(2, ofSharedCall);

setTimeout(() => console.log('ready'), 100);
setInterval(() => {}, 1e6);
`;

describe('a full dump counts each suspended call once, at its await', () => {
  test(
    'in every way of waiting',
    inLab(async (lab) => {
      const file = lab.file('ways.cjs', WAYS);
      const program = lab.start(file);
      await Promise.all([program.until('stdout', 'ready'), program.watched()]);
      const dump = await dumpOf(program.pid);
      const calls = callsIn(dump, file);
      expect(countsByPlace(calls)).toEqual(markedPlaces(WAYS));
      expect(calls.filter(({ exact }) => !exact)).toEqual([]);

      const chainOf = (name: string): string[] =>
        calls.find((call) => call.function === name)!.awaitedBy.map((frame) => frame.function);
      expect(chainOf('lowest')).toEqual(['middle', 'above']);
      expect(chainOf('element')).toEqual(['allOfCalls']);
      program.kill('SIGTERM');
      expect(complaints(await program.ended)).toEqual([]);
    }),
  );

  test(
    'a promise with several waiters: at the function where it has several awaits',
    inLab(async (lab) => {
      const text = `
const keep = [];
const ready = new Promise((resolve) => keep.push(resolve));
async function sharing(first) { if (first) await 0; await ready; }
for (let i = 0; i < 3; i++) keep.push(sharing(false));
async function outer() { /*1*/await sharing(true); }
keep.push(outer());
globalThis.keep = keep;
console.log('ready');
setInterval(() => {}, 1e6);
`;
      const file = lab.file('shared.cjs', text);
      const program = lab.start(file);
      await Promise.all([program.until('stdout', 'ready'), program.watched()]);
      const calls = callsIn(await dumpOf(program.pid), file);
      const shared = calls.filter((call) => call.function === 'sharing');
      expect(shared.map(({ count, exact, line }) => ({ count, exact, line }))).toEqual([
        { count: 3, exact: false, line: 4 },
        { count: 1, exact: false, line: 4 },
      ]);
      expect(shared[1]!.awaitedBy.map((frame) => frame.function)).toEqual(['outer']);
      expect(countsByPlace(calls.filter(({ exact }) => exact))).toEqual(markedPlaces(text));
      expect(shared[0]!.settledBy).toMatchObject({ kind: 'structure', variable: 'keep' });
    }),
  );

  test(
    'TypeScript, through its source map, and an await at the top of a module',
    inLab(async (lab) => {
      const text = `interface Job { id: number }
export type Jobs = Job[];

const keep: (() => void)[] = [];
(globalThis as { keep?: unknown }).keep = keep;

async function work(job: Job): Promise<number> {
  /*2*/await new Promise<void>((resolve) => keep.push(resolve));
  return job.id;
}
setTimeout(() => console.log('ready'), 100);
setInterval(() => {}, 1e6);
/*1*/await Promise.all([work({ id: 1 }), work({ id: 2 })]);
`;
      const source = lab.file('src/work.ts', text);
      const outfile = join(lab.folder, 'dist/work.mjs');
      await build({
        entryPoints: [source],
        outfile,
        sourcemap: 'linked',
        format: 'esm',
        target: 'es2022',
        logLevel: 'silent',
      });
      const program = lab.start(outfile);
      await Promise.all([program.until('stdout', 'ready'), program.watched()]);
      const calls = callsIn(await dumpOf(program.pid), source);
      expect(countsByPlace(calls).map(([place, count]) => [Number(place.split(':')[0]), count])).toEqual([
        [8, 2],
        [13, 1],
      ]);
      const [work] = calls.filter((call) => call.function === 'work');
      expect(work!.awaitedBy.map(({ file, line }) => [file, line])).toEqual([[source, 13]]);
    }),
  );

  test(
    'what settles it, cycles, and nothing that could',
    inLab(async (lab) => {
      const text = `
const never = new Promise(() => {});
globalThis.never = never;
async function forEver() { await never; }
globalThis.kept = forEver();
async function sleeping() { await require('node:timers/promises').setTimeout(750_000); }
sleeping();
const first = ping();
const second = pong();
globalThis.both = [first, second];
async function ping() { await null; await second; }
async function pong() { await null; await first; }
console.log('ready');
`;
      const file = lab.file('settle.cjs', text);
      const program = lab.start(file);
      await Promise.all([program.until('stdout', 'ready'), program.watched()]);
      const dump = await dumpOf(program.pid);
      const settledBy = (name: string) => callsIn(dump, file).find((call) => call.function === name)?.settledBy;
      expect(settledBy('forEver')).toMatchObject({ kind: 'nothing' });
      expect(settledBy('sleeping')).toMatchObject({ kind: 'timer', ms: 750_000 });
      const { cycles } = threadOf(dump).suspended!;
      expect(cycles).toHaveLength(1);
      expect(cycles[0]!.calls.map((call) => `${call.function}:${call.line}`).sort()).toEqual(['ping:11', 'pong:12']);
    }),
  );
});

describe('a quick dump', () => {
  const HOST = `
const touched = [];
const touch = (name) => { touched.push(name); return undefined; };
Error.stackTraceLimit = 3;
const prepare = (error, sites) => touch('prepareStackTrace') ?? String(sites.length);
Error.prepareStackTrace = prepare;
const before = Object.getOwnPropertyDescriptors(Error);
class Odd extends Promise {
  static get [Symbol.species]() { return touch('species') ?? Promise; }
}
Object.defineProperty(Odd.prototype, 'constructor', { get() { return touch('constructor'); } });
const keep = [];
async function anchor() { await new Promise((resolve) => keep.push(resolve)); }
for (let i = 0; i < 5; i++) keep.push(anchor());
const odd = new Odd((resolve) => keep.push(resolve));
Object.defineProperty(odd, 'then', { get() { touch('then'); return undefined; } });
keep.push(odd, Object.create(Promise.prototype, { then: { get() { touch('fake'); } } }));
globalThis.keep = keep;
const real = Promise;
globalThis.Promise = class Mine { constructor() { touch('new Promise'); } };
globalThis.EventTarget = undefined;
touched.length = 0;
console.log('ready');
process.once('SIGTERM', () => {
  const same = JSON.stringify(Object.getOwnPropertyDescriptors(Error)) === JSON.stringify(before) && Error.prepareStackTrace === prepare;
  console.log(JSON.stringify({ touched, same, globals: Object.getOwnPropertySymbols(globalThis).map(String).filter((name) => name.includes('handover')) }));
  process.exit();
});
setInterval(() => {}, 1e6);
`;
  test(
    'runs none of the program, and leaves its Error, its Promise and its globals alone',
    inLab(async (lab) => {
      const file = lab.file('host.cjs', HOST);
      const program = lab.start(file, { env: { EVDIAG_LEVEL: 'watch' } });
      await Promise.all([program.until('stdout', 'ready'), program.watched()]);
      for (let i = 0; i < 3; i++) {
        const dump = await dumpOf(program.pid, '--quick');
        expect(threadOf(dump).suspended!.counted).toBe('promises');
        expect(callsIn(dump, file)).toMatchObject([{ count: 5, function: 'anchor', exact: true, settledBy: null }]);
      }
      program.kill('SIGTERM');
      const { stdout } = await program.ended;
      expect(JSON.parse(stdout.split('\n')[1]!)).toEqual({ touched: [], same: true, globals: [] });
    }),
  );

  const STRESS = `
const { Readable } = require('node:stream');
const keep = [];
globalThis.keep = keep;
async function anchor() { /*50*/await new Promise((resolve) => keep.push(resolve)); }
for (let i = 0; i < 50; i++) keep.push(anchor());
const turn = () => new Promise((resolve) => setImmediate(resolve));
let sum = 0, caught = 0, read = 0, lost = 0, rounds = 0;
async function add(n) { await turn(); sum += n; return n; }
async function fail() { await turn(); throw new Error('planned'); }
async function failing() { try { await fail(); } catch (error) { caught++; if (!error.stack.includes('async failing')) lost++; } }
async function streaming() { for await (const chunk of Readable.from(['a', 'b', 'c'])) read += chunk.length; }
async function* numbers() { for (let i = 0; i < 3; i++) { await turn(); yield i; } }
async function generating() { for await (const n of numbers()) sum += n; }
async function round() {
  await Promise.all([add(1), add(2), failing(), streaming(), generating(), Promise.race([add(4), turn()]), Promise.allSettled([fail(), add(5)])]);
  rounds++;
}
let stop = false;
process.once('SIGTERM', () => { stop = true; });
(async () => {
  console.log('ready');
  while (!stop) await Promise.all([round(), round(), round()]);
  await turn();
  console.log(JSON.stringify({ right: sum === rounds * 15 && caught === rounds && read === rounds * 3, lost, busy: rounds > 20 }));
})();
`;
  test(
    'again and again beside promises that settle, throw and stream: nothing breaks, and every answer is right',
    inLab(async (lab) => {
      const file = lab.file('stress.cjs', STRESS);
      const program = lab.start(file);
      await Promise.all([program.until('stdout', 'ready'), program.watched()]);
      const connection = await connect(program.pid);
      const lines = STRESS.split('\n');
      const endAt = performance.now() + STRESS_MS;
      let dumps = 0;
      for (; performance.now() < endAt || dumps < 5; dumps++) {
        const dump = await takeDump(connection, { mode: 'quick' });
        const calls = callsIn(dump, file);
        expect(threadOf(dump).problem).toBeNull();
        expect(calls.filter((call) => call.function === 'anchor')).toMatchObject([{ count: 50, awaitedBy: [] }]);
        for (const { line, column, awaitedBy } of calls) {
          for (const place of [{ line, column }, ...awaitedBy.filter((frame) => frame.file === file)]) {
            expect(lines[place.line - 1]!.slice(place.column - 1)).toMatch(/^(await|chunk of|n of|yield)\b/);
          }
        }
        await setTimeout(15);
      }
      connection.close();
      program.kill('SIGTERM');
      const run = await program.ended;
      expect(run).toMatchObject({ exitCode: 0, ownStderr: '' });
      expect(JSON.parse(run.stdout.split('\n')[1]!)).toEqual({ right: true, lost: 0, busy: true });
    }),
  );

  test(
    '100 000 suspended calls: counted, in bounded memory, and the program goes on',
    inLab(async (lab) => {
      const file = lab.file(
        'many.cjs',
        `
const keep = [];
globalThis.keep = keep;
async function waits() { await new Promise((resolve) => keep.push(resolve)); }
for (let i = 0; i < 100_000; i++) waits();
console.log('ready');
process.once('SIGTERM', () => process.exit(7));
setInterval(() => {}, 10);
`,
      );
      const program = lab.start(file);
      await Promise.all([program.until('stdout', 'ready'), program.watched()]);
      const dump = await dumpOf(program.pid, '--quick');
      expect(callsIn(dump, file)).toMatchObject([{ count: 100_000, function: 'waits', line: 4 }]);
      expect(threadOf(dump).suspended).toMatchObject({ unlisted: 0, failed: 0 });
      program.kill('SIGTERM');
      expect(await program.ended).toMatchObject({ exitCode: 7, ownStderr: '' });
    }),
  );
});

test(
  'a Node that cannot say who awaits says that',
  inLab(async (lab) => {
    const node = ['--no-async-stack-traces', '-r', AGENT_CJS];
    const program = lab.start(lab.file('plain.cjs', "console.log('ready'); setInterval(() => {}, 1e6);"), { node });
    await Promise.all([program.until('stdout', 'ready'), program.watched()]);
    const thread = threadOf(await dumpOf(program.pid, '--quick'));
    expect(thread).toMatchObject({ state: 'idle', suspended: null, problem: expect.stringContaining('unsupported') });
    expect(thread.timers).toHaveLength(1);
  }),
);

describe('a thread that does not return to its loop', () => {
  const program = (block: string): string => `
const keep = [];
globalThis.keep = keep;
async function waits() { /*4*/await new Promise((resolve) => keep.push(resolve)); }
for (let i = 0; i < 4; i++) keep.push(waits());
setTimeout(() => {}, 1e6);
setTimeout(() => { console.log('ready'); ${block} }, 300); // blocks
`;
  test.each([
    ['an endless loop', 'for (;;);', null],
    ['an endless chain of microtasks', '(async () => { for (;;) for (let i = (await 0, 0); i < 3e6; i++); })();', null],
    ['Atomics.wait', 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);', 'Atomics.wait'],
    ['a native call', "require('node:crypto').pbkdf2Sync('a', 'b', 4e7, 64, 'sha512');", 'crypto.pbkdf2Sync'],
  ])('%s', (_, block, call) =>
    inLab(async (lab) => {
      const text = program(block);
      const file = lab.file('blocked.cjs', text);
      const blocked = lab.start(file);
      await blocked.until('stdout', 'ready');
      await setTimeout(400); // till the stall is noticed
      const dump = await dumpOf(blocked.pid, '--quick');
      const thread = threadOf(dump);
      if (call === 'crypto.pbkdf2Sync') {
        expect(thread).toMatchObject({ state: 'no-answer', suspended: null, syncCall: { name: call } });
        expect(thread.problem).toContain('native call');
      } else {
        expect(thread).toMatchObject({ state: 'running', problem: null, syncCall: call && { name: call } });
        expect(thread.stack.find(({ category }) => category === 'application')).toMatchObject({
          file,
          line: lineOf(text, '// blocks'),
        });
        expect(countsByPlace(callsIn(dump, file))).toEqual(markedPlaces(text));
        expect(thread.timers).toMatchObject([{ count: 1, delayMs: 1e6, callback: { file, line: 6 } }]);
      }
    })(),
  );
});

test(
  'a dump leaves the counts of coverage as they are, and says where timers are',
  inLab(async (lab) => {
    const text = `
function early() {}
for (let i = 0; i < 3; i++) early();
setInterval(function ticks() {}, 1e6);
process.once('SIGUSR2', () => process.exit());
console.log('ready');
`;
    const file = lab.file('covered.cjs', text);
    const folder = join(lab.folder, 'coverage');
    const program = lab.start(file, { env: { NODE_V8_COVERAGE: folder } });
    await Promise.all([program.until('stdout', 'ready'), program.watched()]);
    expect(threadOf(await dumpOf(program.pid, '--quick')).timers).toMatchObject([{ callback: { file, line: 4 } }]);
    program.kill('SIGUSR2');
    await program.ended;
    const [written] = readdirSync(folder);
    const { result } = JSON.parse(readFileSync(join(folder, written!), 'utf8'));
    const { functions } = result.find(({ url }: { url: string }) => url.endsWith('/covered.cjs'));
    const early = functions.find(({ functionName }: { functionName: string }) => functionName === 'early');
    expect(early.ranges[0].count).toBe(3);
  }),
);

test(
  'worker threads have their own part',
  inLab(async (lab) => {
    const text = `
const { isMainThread, Worker } = require('node:worker_threads');
async function inMain() { /*1*/await new Promise((resolve) => { globalThis.keep = resolve; }); }
async function inWorker() { /*1*/await new Promise((resolve) => { globalThis.keep = resolve; }); }
if (isMainThread) { inMain(); new Worker(__filename); setInterval(() => {}, 1e6); }
else { inWorker(); setInterval(function workerTimer() {}, 1e6); console.log('ready'); }
`;
    const file = lab.file('worker.cjs', text);
    const program = lab.start(file);
    await Promise.all([program.until('stdout', 'ready'), program.watched()]);
    let dump = await dumpOf(program.pid, '--quick');
    // The watchdog hears of a new thread some time later.
    while (dump.threads.length < 2) dump = await dumpOf(program.pid, '--quick');
    const [main, worker] = dump.threads.map(({ threadId }) => callsIn(dump, file, threadId));
    expect(countsByPlace([...main!, ...worker!])).toEqual(markedPlaces(text));
    expect(worker).toMatchObject([{ function: 'inWorker' }]);
    const { timers } = dump.threads[1]!;
    expect(timers).toMatchObject([{ callback: { function: 'workerTimer', file }, repeats: true, ref: true }]);
  }),
);

test(
  'timers and handles: kinds, delays, places and addresses, without calling getters',
  inLab(async (lab) => {
    const text = `
const net = require('node:net');
const touched = [];
class Mine extends net.Socket { get remoteAddress() { touched.push('remoteAddress'); } get path() { touched.push('path'); } }
const server = net.createServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1', () => {
  const { port } = server.address();
  new Mine().connect(port, '127.0.0.1', () => console.log('port ' + port));
});
for (let i = 0; i < 3; i++) setTimeout(later, 123_456).unref();
function later() {}
process.once('SIGTERM', () => { console.log('touched ' + touched.length); process.exit(); });
`;
    const file = lab.file('handles.cjs', text);
    const program = lab.start(file);
    await Promise.all([program.until('stdout', 'port '), program.watched()]);
    const port = /port (\d+)/.exec(program.stdout())![1];
    const { timers, handles } = threadOf(await dumpOf(program.pid, '--quick'));
    expect(timers.filter(({ callback }) => callback.file === file)).toMatchObject([
      {
        count: 3,
        delayMs: 123_456,
        repeats: false,
        ref: false,
        callback: { function: 'later', line: lineOf(text, 'function later') },
      },
    ]);
    expect(handles).toContainEqual({ count: 1, type: 'Server', detail: `127.0.0.1:${port}` });
    expect(handles.find(({ type }) => type === 'Mine')?.detail).toContain(`→ 127.0.0.1:${port}`);
    program.kill('SIGTERM');
    expect((await program.ended).stdout).toContain('touched 0');
  }),
);
