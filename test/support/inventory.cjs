'use strict';
// Writes all that a program can see of its process and its thread into the file argv[2], a line for each thing: JSON of `[path, what it is]`.
// It looks twice at what changes: at once, and when the agent has sampled. With `worker` as argv[3] it looks from a worker thread.

// What the agent loads before the program does: a module that comes first is the one that makes what two have in common.
for (const name of ['vm', 'v8', 'perf_hooks', 'worker_threads', 'crypto', 'zlib', 'child_process'])
  require(`node:${name}`);
const { createHook } = require('node:async_hooks');
const { EventEmitter, once } = require('node:events');
const { writeFileSync, readFile } = require('node:fs');
const { builtinModules } = require('node:module');
const { inspect } = require('node:util');
const { isMainThread, Worker } = require('node:worker_threads');
const [, , file, where] = process.argv;

const lines = [];
const say = (path, what) => lines.push(JSON.stringify([path, String(what)]));
const nameOf = (key) => (typeof key === 'symbol' ? `[${String(key)}]` : key);

/** Objects and functions that were seen, by the path that led there first: what is the same is told as such. */
const seen = new Map([
  [lines, 'own'],
  [module.exports, 'own'],
  [module.children, 'own'],
]);
const queue = [];
function visit(path, value) {
  if ((typeof value !== 'object' || value === null) && typeof value !== 'function') return inspect(value);
  if (seen.has(value)) return `is ${seen.get(value)}`;
  seen.set(value, path);
  queue.push([path, value]);
  return `a new ${typeof value}`;
}
function isConstructor(value) {
  try {
    Reflect.construct(Object, [], value);
    return true;
  } catch {
    return false;
  }
}
function look(path, value) {
  if (typeof value === 'function') {
    say(`${path} as text`, Function.prototype.toString.call(value));
    // `os.freemem` is a number then.
    if (!(Symbol.toPrimitive in value)) say(`${path} by String`, String(value));
    say(`${path} inspected`, inspect(value, { depth: 0 }));
    say(`${path} constructs`, isConstructor(value));
  }
  say(`${path} prototype`, visit(`${path}.__proto__`, Object.getPrototypeOf(value)));
  say(`${path} keys`, Reflect.ownKeys(value).map(nameOf).join(' '));
  say(`${path} extensible`, Object.isExtensible(value));
  for (const key of Reflect.ownKeys(value)) {
    const at = `${path}.${nameOf(key)}`;
    const { value: held, get, set, writable, enumerable, configurable } = Object.getOwnPropertyDescriptor(value, key);
    const flags = [writable, enumerable, configurable].join();
    if (get || set) say(at, `${flags} get ${visit(`${at}.get`, get)} set ${visit(`${at}.set`, set)}`);
    else say(at, `${flags} ${visit(at, held)}`);
  }
}

function lookAtBuiltIns() {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  const modules = [...new Set([...builtinModules, 'test', 'test/reporters', 'sqlite', 'sea'])].sort();
  for (const name of modules.map((one) => one.replace(/^node:/, ''))) {
    // Old names of others, and what runs where it is loaded.
    if (/^(_|sys$|punycode$|repl$|wasi$)/.test(name)) continue;
    try {
      say(`node:${name}`, visit(`node:${name}`, require(`node:${name}`)));
    } catch (error) {
      say(`node:${name}`, error.code);
    }
  }
  process.emitWarning = emitWarning;
  say('globalThis', visit('globalThis', globalThis));
  while (queue.length > 0) look(...queue.shift());
  say('same promises', require('node:fs').promises === require('node:fs/promises'));
}

const EVENTS =
  'exit beforeExit newListener removeListener warning worker message SIGINT SIGTERM SIGUSR2 unhandledRejection rejectionHandled uncaughtException uncaughtExceptionMonitor disconnect';
function lookAtProcess(when) {
  for (const event of EVENTS.split(' ')) {
    const counts = [process.listenerCount(event), process.listeners(event).length, process.rawListeners(event)];
    say(`${when}: listeners of ${event}`, counts.map(String).join());
  }
  say(`${when}: events`, process.eventNames().map(String).join());
  say(`${when}: most listeners`, [process.getMaxListeners(), EventEmitter.defaultMaxListeners].join());
  say(
    `${when}: handles`,
    process
      ._getActiveHandles()
      .map((handle) => handle.constructor.name)
      .join(),
  );
  say(
    `${when}: requests`,
    process
      ._getActiveRequests()
      .map((request) => request.constructor.name)
      .join(),
  );
  say(`${when}: resources`, process.getActiveResourcesInfo().join());
  say(`${when}: modules`, Object.keys(require.cache).join());
  say(`${when}: globals`, Reflect.ownKeys(globalThis).map(nameOf).join());
  say(`${when}: arguments`, [...process.argv, ...process.execArgv].join());
  say(`${when}: environment`, Object.keys(process.env).sort().join());
  say(
    `${when}: process`,
    inspect(process, { depth: 1 })
      .split('\n')
      .filter((line) => /_event|_maxL|_pre|_exiting/.test(line))
      .join(),
  );
  say(`${when}: Error`, JSON.stringify(Object.getOwnPropertyDescriptors(Error)));
}

function lookAtErrors() {
  const fs = require('node:fs');
  const wrong = {
    readFileSync: () => fs.readFileSync('/no/such/file'),
    'readFileSync of nothing': () => fs.readFileSync(),
    setInterval: () => setInterval('no function'),
    'JSON.parse': () => JSON.parse('{'),
    'JSON.parse of much': () => JSON.parse(`[${'1,'.repeat(1e5)}`),
    spawnSync: () => require('node:child_process').execFileSync('/no/such/program'),
    pbkdf2Sync: () => require('node:crypto').pbkdf2Sync('a', 'b', 1, 1, 'none'),
    gunzipSync: () => require('node:zlib').gunzipSync(Buffer.from('none')),
    toLocaleString: () => (1).toLocaleString('de', { style: 'currency' }),
    NumberFormat: () => new Intl.NumberFormat('de', { style: 'currency' }),
    'Atomics.wait': () => Atomics.wait(new Int32Array(4), 0, 0),
    'a script': () =>
      new (require('node:vm').Script)('missing()', { filename: 'script.js' }).runInThisContext({ timeout: 1000 }),
    toString: () => Function.prototype.toString.call({}),
    kill: () => process.on('SIGKILL', () => {}),
    on: () => new EventEmitter().on('event', 'no function'),
    addEventListener: () => new EventTarget().addEventListener(),
    'Promise.all': () => Promise.all.call(1),
  };
  for (const [name, job] of Object.entries(wrong)) {
    try {
      say(`${name} returns`, job());
    } catch (error) {
      say(`${name} throws`, error.stack);
      const { value, ...rest } = Object.getOwnPropertyDescriptor(error, 'stack');
      say(`${name} throws, stack`, JSON.stringify({ ...rest, value: typeof value }));
    }
  }
}

const after = (where, next) => () => {
  here(where);
  next();
};
const here = (where) => say(`stack in ${where}`, new Error('here').stack);
async function lookFromCallbacks() {
  const hook = createHook({ init: (_id, type) => void (type === 'Timeout' && here('init')) }).enable();
  clearInterval(setInterval(() => {}, 1));
  hook.disable();
  const parsed = JSON.parse(`["${'x'.repeat(1e5)}"]`, (key, value) => {
    if (key === '') here('a reviver');
    return value;
  });
  say('parsed', parsed[0].length);
  const emitter = new EventEmitter().on('newListener', () => here('newListener')).on('event', () => here('event'));
  emitter.emit('event');
  const target = new EventTarget();
  target.addEventListener('event', () => here('an event target'));
  target.dispatchEvent(new Event('event'));
  require('node:vm').runInThisContext('(here) => here("a script")')(here);
  await new Promise((resolve) => {
    let rounds = 0;
    const timer = setInterval(() => {
      here(`interval ${++rounds}`);
      if (rounds < 2) return;
      clearInterval(timer);
      resolve();
    }, 2);
  });
  await new Promise((resolve) => setTimeout(after('timeout', resolve), 1));
  await new Promise((resolve) => setImmediate(after('immediate', resolve)));
  await new Promise((resolve) => process.nextTick(after('tick', resolve)));
  await new Promise((resolve) => queueMicrotask(after('microtask', resolve)));
  await Promise.all([Promise.resolve().then(() => here('reaction'))]);
  await new Promise((resolve) => readFile(__filename, after('readFile', resolve)));
  here('async');
}

async function lookAtWorker() {
  const worker = new Worker('setTimeout(() => {}, 50)', { eval: true });
  // Asked for before: where the thread has to wait for a core, both come in one turn.
  const ended = once(worker, 'exit');
  await once(worker, 'online');
  say(
    'listeners of a worker',
    ['exit', 'message', 'error', 'online'].map((event) => worker.listenerCount(event)).join(),
  );
  say('events of a worker', worker.eventNames().map(String).join());
  await ended;
}

async function run() {
  lookAtProcess('first');
  lookAtBuiltIns();
  lookAtErrors();
  await lookFromCallbacks();
  await lookAtWorker();
  await new Promise((resolve) => setTimeout(resolve, 1300));
  lookAtProcess('later');
  process.on('exit', () => {
    lookAtProcess('at exit');
    here('exit');
    writeFileSync(file, lines.join('\n'));
  });
}

if (where === 'worker' && isMainThread) new Worker(__filename, { argv: [file] });
else run();
