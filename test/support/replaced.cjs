'use strict';
// Does ordinary asynchronous work while one group of built-ins is gone or throws, and ends with code 7. It uses none of them itself.
const { createServer, get } = require('node:http');
const { writeSync, readFileSync } = require('node:fs');
const { readFile } = require('node:fs/promises');
const { EventEmitter } = require('node:events');
const api = typeof evdiagAgent === 'undefined' ? undefined : evdiagAgent;
const { defineProperty, deleteProperty, getOwnPropertyDescriptor, ownKeys } = Reflect;
const NativeError = Error;
const NativePromise = Promise;
const NativeController = AbortController;
const bang = () => {
  throw new NativeError('bang');
};

function remove(...names) {
  for (let i = 0; i < names.length; i++) deleteProperty(globalThis, names[i]);
}
function breakMethods(holder, names = ownKeys(holder)) {
  for (let i = 0; i < names.length; i++) {
    const property = getOwnPropertyDescriptor(holder, names[i]);
    if (!property?.configurable || names[i] === 'constructor') continue;
    if (typeof property.value === 'function') defineProperty(holder, names[i], { ...property, value: bang });
  }
}
const but = (holder, ...without) => ownKeys(holder).filter((name) => !without.includes(name));
function breakAccess(holder, name) {
  defineProperty(holder, name, { get: bang, set: bang, configurable: true });
}
const prototypeOf = Object.getPrototypeOf;
const iterators = [[].values(), new Map().values(), new Set().values(), ''[Symbol.iterator]()];
const iteratorPrototypes = [
  prototypeOf(iterators[0]),
  prototypeOf(iterators[1]),
  prototypeOf(iterators[2]),
  prototypeOf(iterators[3]),
];

const GROUPS = {
  constructors: () =>
    remove('Map', 'Set', 'WeakRef', 'WeakMap', 'WeakSet', 'FinalizationRegistry', 'Proxy', 'Float64Array'),
  names: () =>
    remove(
      'Array',
      'Number',
      'String',
      'Math',
      'Object',
      'Reflect',
      'JSON',
      'Symbol',
      'Date',
      'Promise',
      'Error',
      'RangeError',
      'AbortSignal',
      'EventTarget',
      'performance',
      'Atomics',
    ),
  // Without HTTP and many listeners, which use them; `pop` is used by Node wherever async hooks are.
  arrays: () => breakMethods(Array.prototype, but(Array.prototype, 'pop', Symbol.iterator)),
  typedArrays: () => breakMethods(prototypeOf(Uint8Array.prototype), ['fill', 'set', 'subarray', 'map', 'slice']),
  collections() {
    breakMethods(Map.prototype);
    breakMethods(Set.prototype);
    breakMethods(WeakMap.prototype);
    breakMethods(WeakSet.prototype);
    breakMethods(WeakRef.prototype);
  },
  // Node itself uses that of arrays; and that of sets for each collection that a PerformanceObserver is told of (24 and later).
  iterators() {
    const ofSets = Number(process.versions.node.split('.')[0]) < 24;
    for (let i = 1; i < iteratorPrototypes.length; i++)
      if (i !== 2 || ofSets) breakMethods(iteratorPrototypes[i], ['next']);
    breakMethods(Map.prototype, [Symbol.iterator]);
    breakMethods(Set.prototype, [Symbol.iterator]);
    breakMethods(String.prototype, [Symbol.iterator]);
  },
  // The same.
  strings() {
    breakMethods(String.prototype, but(String.prototype));
    breakMethods(RegExp.prototype, but(RegExp.prototype));
    breakMethods(Number.prototype);
  },
  statics() {
    breakMethods(JSON);
    breakMethods(Math);
    breakMethods(Atomics);
    breakMethods(Array);
    breakMethods(Reflect);
    breakMethods(Object);
  },
  promises: () => breakMethods(Promise),
  limit: () => breakAccess(Error, 'stackTraceLimit'),
  prepare: () => breakAccess(Error, 'prepareStackTrace'),
  capture: () => breakMethods(Error, ['captureStackTrace']),
};

const large = `[${'1,'.repeat(40_000)}1]`;
const parse = JSON.parse;
const fileName = __filename;
const QUESTION = { waiting: true, depth: true, drains: true };

/** What the watchdog asks in a deep sample. */
function look(round) {
  const { stack, recent, startHooks, stopHooks, hookCounts, shortIntervals, handleSites, wantMaps } = api;
  const questions = [
    () => stack(QUESTION),
    recent,
    round % 2 ? stopHooks : startHooks,
    hookCounts,
    shortIntervals,
    handleSites,
    () => wantMaps([fileName]),
  ];
  for (let i = 0; i < questions.length; i++) {
    try {
      questions[i]();
    } catch {
      // The inspector's own matter.
    }
  }
}

const pause = (ms) => new NativePromise((resolve) => setTimeout(resolve, ms));
const request = (port) =>
  new NativePromise((resolve, reject) => {
    get({ port, host: '127.0.0.1', agent: false }, (response) =>
      response.resume().on('end', () => resolve(response.statusCode)),
    ).on('error', reject);
  });
async function depth(n) {
  return n === 0 ? 0 : 1 + (await depth(n - 1));
}

async function work(port, round) {
  let sum = await depth(20);
  for (let i = 0; i < 200; i++) sum += await i;
  sum += port === null ? 0 : await request(port);
  sum += (await readFile(fileName)).length > 0 ? 1 : 0;
  sum += readFileSync(fileName).length > 0 ? 1 : 0;
  sum += parse(large).length;
  const emitter = new EventEmitter();
  emitter.setMaxListeners(0);
  for (let i = 0; i < (port === null ? 1 : 14); i++) emitter.on('it', () => sum++);
  emitter.emit('it');
  const controller = new NativeController();
  controller.signal.addEventListener('abort', () => sum++);
  controller.abort();
  clearInterval(setInterval(bang, 1));
  await new NativePromise((resolve) => setImmediate(() => process.nextTick(() => queueMicrotask(resolve))));
  try {
    readFileSync('/none');
  } catch {
    sum++;
  }
  if (api) look(round);
  await pause(50);
  return sum;
}

const server = createServer((_request, response) => response.end('answer'));
server.listen(0, '127.0.0.1', () => {
  // After the agent's first reading.
  setTimeout(async () => {
    const usesHttp = process.argv[2] !== 'arrays' && process.argv[2] !== 'strings';
    const port = usesHttp ? server.address().port : null;
    GROUPS[process.argv[2]]();
    let text = '';
    for (let round = 0; round < 20; round++) text += `${await work(port, round)} `;
    writeSync(1, text);
    server.close();
    process.exitCode = 7;
  }, 300);
});
