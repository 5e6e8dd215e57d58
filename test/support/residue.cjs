// A server that counts what there is in its process, and tells its parent when asked: what a visit of the agent leaves would be seen.
const names = ['fs', 'child_process', 'crypto', 'zlib', 'timers', 'worker_threads', 'vm', 'events', 'net', 'http'];
const modules = Object.fromEntries(names.map((name) => [name, require(`node:${name}`)]));
const { isProxy } = require('node:util').types;
const holders = {
  ...modules,
  global: globalThis,
  process,
  ...{ JSON, Atomics, Intl, Promise, Error, AbortSignal },
  ...Object.fromEntries(
    [Promise, Function, Date, Number, EventTarget, AbortController, AbortSignal, modules.worker_threads.Worker].map(
      (made) => [`${made.name}.prototype`, made.prototype],
    ),
  ),
  'Script.prototype': modules.vm.Script.prototype,
  'EventEmitter.prototype': modules.events.prototype,
};

function* functions() {
  for (const [where, holder] of Object.entries(holders)) {
    for (const key of Reflect.ownKeys(holder)) {
      const property = Object.getOwnPropertyDescriptor(holder, key);
      for (const kind of ['value', 'get', 'set'])
        if (typeof property[kind] === 'function') yield [`${where}.${String(key)} ${kind}`, property[kind]];
    }
  }
}

// Some are made when they are first looked at.
for (const _ of functions());
const before = new Map(functions());

function count() {
  const now = new Map(functions());
  globalThis.gc?.();
  return {
    replaced: [...now].filter(([name, found]) => before.get(name) !== found).map(([name]) => name),
    gone: [...before.keys()].filter((name) => !now.has(name)),
    listeners: process.eventNames().map((name) => `${String(name)} ${process.listenerCount(name)}`),
    veiled: isProxy(process._events),
    environment: Object.keys(process.env).filter((name) => name.startsWith('EVDIAG')),
    modules: Object.keys(require.cache).filter((file) => file.includes('agent')),
    globals: Object.getOwnPropertySymbols(globalThis).filter(({ description }) => description?.includes('evdiag'))
      .length,
    timers: process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length,
    handles: process.getActiveResourcesInfo().filter((name) => /Worker|MessagePort/.test(name)),
    formatter: new Error('x').stack.includes('at count'),
    heapBytes: process.memoryUsage().heapUsed,
  };
}

process.on('message', () => process.send(count()));
const server = modules.http.createServer((_request, response) =>
  modules.fs.readFile(__filename, () => response.end('ok')),
);
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
