import { beforeAll, describe, expect, test } from 'vitest';
import { type Settler, whatSettles } from '../../src/heap/settlers.ts';
import { type Analysed, analyse } from './take-snapshot.ts';

const PROGRAM = `
  const net = require('node:net'), http = require('node:http'), { spawn, execFile, execFileSync } = require('node:child_process');
  const { once, on, EventEmitter } = require('node:events'), { Worker } = require('node:worker_threads');
  const { Readable, pipeline } = require('node:stream'), { promisify } = require('node:util'), fs = require('node:fs');
  const { setTimeout: delay } = require('node:timers/promises');

  const pending = new Map();
  const list = [];
  class Client { constructor() { this.pending = new Map(); } }
  const client = new Client();
  let ready;
  const isReady = new Promise((resolve) => { ready = resolve; });
  const bus = new EventEmitter();
  const target = new EventTarget();
  const controller = new AbortController();

  async function onTimer() { await new Promise((resolve) => setTimeout(resolve, 60_000)); }
  async function onWrappedTimer() { await new Promise((resolve) => setTimeout(() => { resolve(1); }, 70_000)); }
  async function onDelay() { await delay(50_000); }
  async function onImmediateMap() { await new Promise((resolve, reject) => { pending.set(7, { resolve, reject }); }); }
  async function onClient() { await new Promise((resolve) => { client.pending.set(7, resolve); }); }
  async function onArray() { await new Promise((resolve) => { list.push(() => resolve()); }); }
  async function onVariable() { await isReady; }
  async function onBus() { await once(bus, 'ready'); }
  async function onBusOwn() { await new Promise((resolve) => { bus.on('own', () => { resolve(); }); }); }
  async function onBusLoop() { for await (const [x] of on(bus, 'tick')) globalThis.x = x; }
  async function onTarget() { await new Promise((resolve) => { target.addEventListener('x', () => resolve()); }); }
  async function onAbort() { await new Promise((resolve) => { controller.signal.addEventListener('abort', () => resolve()); }); }
  async function onCall() { await onDelay(); }
  async function onNothing() { await new Promise(() => {}); }
  async function onItself() { let settle; const own = globalThis.own1 = new Promise((resolve) => { settle = resolve; }); await own; settle(); }
  async function onItselfThroughCaller() { const own = {}; await inner(own); own.settle(); }
  async function inner(own) { const p = globalThis.own2 = new Promise((resolve) => { own.settle = resolve; }); await p; }
  async function onRace() { await Promise.race([new Promise(() => {}), delay(40_000)]); }
  async function onStream() { const stream = new Readable({ read() {} }); globalThis.stream = stream; await once(stream, 'end'); }
  async function onStreamLoop() { const stream = new Readable({ read() {} }); globalThis.stream2 = stream; for await (const c of stream) globalThis.c = c; }
  async function onChild() { const child = spawn('sleep', ['30']); children.push(child); await new Promise((resolve) => { child.on('exit', resolve); }); }
  async function onExec() { const call = promisify(execFile)('sleep', ['30']); children.push(call.child); await call; }
  async function onWorker() { const worker = new Worker('setInterval(() => {}, 1000)', { eval: true }); await once(worker, 'message'); }
  async function onFifo() { execFileSync('mkfifo', ['fifo']); await fs.promises.open('fifo', 'r'); }
  async function onFifoCallback() { await promisify(fs.open)('fifo', 'r'); }
  async function onHandled() { await new Promise((resolve) => { delay(30_000).then(() => { resolve(); }); }); }
  const children = [];

  const silent = net.createServer(() => {}).listen(0, '127.0.0.1', () => {
    const { port } = silent.address();
    async function onSocket() { const socket = net.connect(port, '127.0.0.1'); await once(socket, 'data'); }
    async function onSocketLoop() { const socket = net.connect(port, '127.0.0.1'); for await (const chunk of socket) globalThis.chunk = chunk; }
    async function onRequest() { await new Promise((resolve, reject) => { http.get({ port, host: '127.0.0.1' }, resolve).on('error', reject); }); }
    async function onFetch() { await fetch('http://127.0.0.1:' + port); }
    async function onServer() { await new Promise((resolve) => { silent.close(resolve); }); }
    kept.push(onSocket(), onSocketLoop(), onRequest(), onFetch());
    setTimeout(() => { kept.push(onServer()); }, 200);
  });
  const kept = globalThis.kept = [onTimer(), onWrappedTimer(), onImmediateMap(), onClient(), onArray(), onVariable(), onBus(), onBusOwn(),
    onBusLoop(), onTarget(), onAbort(), onCall(), onItself(), onItselfThroughCaller(), onRace(), onStream(), onStreamLoop(),
    onChild(), onExec(), onWorker(), onFifo(), onFifoCallback(), onHandled()];
  globalThis.lost = new Promise(() => {});
  async function onLost() { await globalThis.lost; }
  kept.push(onLost());
  const silence = setTimeout(() => { for (const child of children) child.kill(); }, 900);
  ready.unused = silence;
`;

let analysed: Analysed;
beforeAll(async () => {
  analysed = await analyse(PROGRAM, 800);
});

/** Follows calls of Node's own and of the test's to what the last of them waits for. */
function settlerOf(functionName: string): Settler {
  const { snapshot, calls, named } = analysed;
  let settler = whatSettles(snapshot, named(functionName).waitsFor);
  for (let i = 0; i < 10 && settler.call !== undefined && functionName !== 'onCall'; i++) {
    settler = whatSettles(snapshot, calls[settler.call]!.waitsFor);
  }
  return settler;
}

describe('what settles a promise', () => {
  test.each<[string, Partial<Settler>]>([
    ['onTimer', { kind: 'timer', ms: 60_000, name: 'Timeout' }],
    ['onWrappedTimer', { kind: 'timer', ms: 70_000 }],
    ['onDelay', { kind: 'timer', ms: 50_000 }],
    ['onRace', { kind: 'timer', ms: 40_000 }],
    ['onHandled', { kind: 'timer', ms: 30_000 }],
    ['onImmediateMap', { kind: 'structure', name: 'Map', variable: 'pending' }],
    ['onClient', { kind: 'structure', name: 'Map', variable: 'client.pending' }],
    ['onArray', { kind: 'structure', name: 'Array', variable: 'list' }],
    ['onVariable', { kind: 'structure', variable: 'ready' }],
    ['onBus', { kind: 'emitter', name: 'EventEmitter', event: 'ready' }],
    ['onBusOwn', { kind: 'emitter', event: 'own' }],
    ['onBusLoop', { kind: 'emitter' }],
    ['onAbort', { kind: 'abort-signal' }],
    ['onTarget', { kind: 'emitter' }],
    ['onStream', { kind: 'stream', event: 'end' }],
    ['onStreamLoop', { kind: 'stream' }],
    ['onChild', { kind: 'child-process', event: 'exit' }],
    ['onExec', { kind: 'child-process' }],
    ['onWorker', { kind: 'worker' }],
    ['onFifo', { kind: 'file' }],
    ['onFifoCallback', { kind: 'file' }],
    ['onSocket', { kind: 'socket', event: 'data' }],
    ['onSocketLoop', { kind: 'socket' }],
    ['onRequest', { kind: 'http-request' }],
    ['onServer', { kind: 'server' }],
  ])('%s', (functionName, expected) => {
    expect(settlerOf(functionName)).toMatchObject(expected);
  });

  test('a call', () => {
    const settler = settlerOf('onCall');
    expect(settler.kind).toBe('async-call');
    expect(analysed.calls[settler.call!]!.functionName).toBe('onDelay');
  });

  test.each(['onLost', 'onItself', 'onItselfThroughCaller'])('nothing: %s', (functionName) => {
    expect(settlerOf(functionName)).toMatchObject({ kind: 'nothing', node: -1 });
  });

  test('a call that nothing can resume is not in the heap', () => {
    expect(analysed.calls.map(({ functionName }) => functionName)).not.toContain('onNothing');
  });

  test('the script and the path of a structure', () => {
    const settler = settlerOf('onImmediateMap');
    expect(settler.url).toMatch(/rpc\.js$/);
    expect(settler.path.slice(0, 2)).toEqual(['resolving function', 'Object.resolve']);
  });
});
