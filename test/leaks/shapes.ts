/** Small modules that leak, and some that only look like it. Each has `step()`, which is called some hundred times between two snapshots. */

export interface Shape {
  /** File name without its extension. */
  id: string;
  extension?: 'cjs' | 'mjs';
  source: string;
}

export interface LeakShape extends Shape {
  /** What the report must call the holder. The line is that of the only `// holder` of the source. */
  holder: RegExp;
  /** A word of the remedy for that kind of holder. */
  remedy: RegExp;
}

const RECORD = `class Record { constructor(n) { this.n = n; this.text = 'record ' + n; this.more = [n, n + 0.5]; } }
let n = 0;
`;

export const LEAKS: readonly LeakShape[] = [
  {
    id: 'module-map',
    holder: /module variable "cache"/,
    remedy: /bound/i,
    source: `${RECORD}
const cache = new Map(); // holder
exports.step = () => { cache.set('key ' + n, new Record(n++)); };
`,
  },
  {
    id: 'module-array',
    holder: /module variable "history"/,
    remedy: /bound/i,
    source: `${RECORD}
const history = []; // holder
exports.step = () => { history.push(new Record(n++)); };
`,
  },
  {
    id: 'module-object',
    holder: /module variable "byName"/,
    remedy: /bound/i,
    source: `${RECORD}
const byName = {}; // holder
exports.step = () => { byName['name ' + n] = new Record(n++); };
`,
  },
  {
    id: 'module-set',
    extension: 'mjs',
    holder: /module variable "seen"/,
    remedy: /bound/i,
    source: `${RECORD}
const seen = new Set(); // holder
export const step = () => { seen.add(new Record(n++)); };
`,
  },
  {
    id: 'exported-array',
    extension: 'mjs',
    holder: /module variable "log"/,
    remedy: /bound/i,
    source: `${RECORD}
export const log = []; // holder
export const step = () => { log.push(new Record(n++)); };
`,
  },
  {
    id: 'class-static',
    holder: /static "instances" of class Registry/,
    remedy: /bound/i,
    source: `${RECORD}
class Registry {
  static instances = []; // holder
  static add(record) { Registry.instances.push(record); }
}
exports.step = () => { Registry.add(new Record(n++)); };
`,
  },
  {
    id: 'global-variable',
    holder: /global "leakedRequests"/,
    remedy: /bound/i,
    source: `${RECORD}
globalThis.leakedRequests = []; // holder
exports.step = () => { leakedRequests.push(new Record(n++)); };
`,
  },
  {
    id: 'closure-context',
    holder: /module variable "thing"/,
    remedy: /closure/i,
    source: `
let thing = null; // holder
exports.step = () => {
  const original = thing;
  const unused = () => original;
  thing = { text: new Array(20).fill('x'), method() {}, unused: null };
};
`,
  },
  {
    id: 'closure-variable',
    holder: /variable "samples" of a closure/,
    remedy: /bound/i,
    source: `${RECORD}
function createRecorder() {
  const samples = []; // holder
  return { record(sample) { samples.push(sample); } };
}
const recorder = createRecorder();
exports.step = () => { recorder.record(new Record(n++)); };
`,
  },
  {
    id: 'bound-function',
    holder: /module variable "callbacks"/,
    remedy: /bound/i,
    source: `${RECORD}
const callbacks = []; // holder
function onDone(record) { return record; }
exports.step = () => { callbacks.push(onDone.bind(null, new Record(n++))); };
`,
  },
  {
    id: 'emitter-listener',
    holder: /listeners of "tick" on EventEmitter.*"bus"/,
    remedy: /removeListener|off\(/,
    source: `${RECORD}
const { EventEmitter } = require('node:events');
const bus = new EventEmitter().setMaxListeners(0);
exports.step = () => {
  const record = new Record(n++);
  bus.on('tick', () => record); // holder
};
`,
  },
  {
    id: 'process-listener',
    holder: /listeners of "message-of-mine" on process/,
    remedy: /removeListener|off\(/,
    source: `${RECORD}
process.setMaxListeners(0);
exports.step = () => {
  const record = new Record(n++);
  process.on('message-of-mine', function onMessage() { return record; }); // holder
};
`,
  },
  {
    id: 'abort-listener',
    holder: /listeners of "abort" on AbortSignal.*"shutdown"/,
    remedy: /removeEventListener|once|signal/,
    source: `${RECORD}
const shutdown = new AbortController();
require('node:events').setMaxListeners(0, shutdown.signal);
exports.step = () => {
  const record = new Record(n++);
  shutdown.signal.addEventListener('abort', () => record); // holder
};
`,
  },
  {
    id: 'timer',
    holder: /timers/,
    remedy: /clearTimeout/,
    source: `${RECORD}
exports.step = () => {
  const record = new Record(n++);
  setTimeout(() => record, 3_600_000).unref(); // holder
};
`,
  },
  {
    id: 'interval-closure',
    holder: /timers/,
    remedy: /clearInterval/,
    source: `${RECORD}
exports.step = () => {
  const record = new Record(n++);
  setInterval(() => { record.n++; }, 7_200_000).unref(); // holder
};
`,
  },
  {
    id: 'promise-chain',
    holder: /module variable "(open|tail)"/,
    remedy: /settle|promise/i,
    source: `${RECORD}
let open; // holder
let tail = new Promise((resolve) => { open = resolve; });
exports.step = () => {
  const record = new Record(n++);
  tail = tail.then(() => record);
};
exports.end = () => open();
`,
  },
  {
    id: 'suspended-call',
    holder: /async calls.*"handle"/,
    remedy: /settle|time/i,
    source: `${RECORD}
const never = new Promise((resolve) => { exports.end = resolve; });
async function handle(record) { // holder
  await never;
  return record;
}
exports.step = () => { handle(new Record(n++)); };
`,
  },
  {
    id: 'weak-map',
    holder: /module variable "active"/,
    remedy: /bound/i,
    source: `${RECORD}
const details = new WeakMap();
const active = new Set(); // holder
exports.step = () => {
  const key = {};
  details.set(key, { key, record: new Record(n++) });
  active.add(key);
};
`,
  },
  {
    id: 'buffer-slices',
    holder: /module variable "heads"/,
    remedy: /copy|Buffer\.from/i,
    source: `
const heads = []; // holder
exports.step = () => { heads.push(Buffer.alloc(20_000).subarray(0, 8)); };
`,
  },
  {
    id: 'async-local-storage',
    holder: /timers/,
    remedy: /clearInterval/,
    source: `${RECORD}
const { AsyncLocalStorage } = require('node:async_hooks');
const storage = new AsyncLocalStorage();
function poll() {} // holder
exports.step = () => {
  storage.run({ record: new Record(n++) }, () => setInterval(poll, 10_800_000).unref());
};
`,
  },
  {
    id: 'message-queue',
    holder: /module variable "(outbox|worker)"/,
    remedy: /bound|answer/i,
    source: `${RECORD}
const { Worker } = require('node:worker_threads');
const worker = new Worker('setInterval(() => {}, 1000); require("node:worker_threads").parentPort.on("message", () => {});', { eval: true });
worker.unref();
const outbox = new Map(); // holder
exports.step = () => { outbox.set(n, new Record(n)); worker.postMessage({ id: n++ }); };
exports.end = () => worker.terminate();
`,
  },
  {
    id: 'require-cache',
    holder: /require cache/,
    remedy: /require/,
    source: `${RECORD}
const { writeFileSync, unlinkSync } = require('node:fs');
const { join } = require('node:path');
exports.step = () => {
  const file = join(__dirname, 'config-' + n++ + '.cjs');
  writeFileSync(file, 'exports.config = { value: ' + n + ', list: [1, 2, 3] };');
  require(file); // holder
  unlinkSync(file);
};
`,
  },
  {
    id: 'session-store',
    holder: /module variable "app"|module variable "store"/,
    remedy: /bound/i,
    source: `
const express = require(process.env.EXPRESS);
class MemoryStore {
  sessions = Object.create(null);
  set(id, session) { this.sessions[id] = JSON.stringify(session); }
}
const store = new MemoryStore(); // holder
const app = express();
let n = 0;
app.use((request, response, next) => {
  store.set('session-' + n++, { user: 'somebody ' + n, cart: [1, 2, 3], since: Date.now() });
  next();
});
app.use((request, response) => response.end());
exports.step = () => {
  app.handle({ method: 'GET', url: '/', headers: {} }, { setHeader() {}, end() {} }, () => {});
};
`,
  },
  {
    id: 'linked-list',
    holder: /module variable "head"/,
    remedy: /bound/i,
    source: `${RECORD}
let head = { record: null, next: null }; // holder
let last = head;
exports.step = () => { last = last.next = { record: new Record(n++), next: null }; };
exports.first = () => head;
`,
  },
  {
    id: 'a-little-each',
    holder: /module variable "connections"/,
    remedy: /bound/i,
    source: `${RECORD}
class Connection { log = []; }
const connections = Array.from({ length: 250 }, () => new Connection()); // holder
exports.step = () => { connections[n % 250].log.push(new Record(n++)); };
`,
  },
];

export const LOOKALIKES: readonly Shape[] = [
  {
    id: 'full-cache',
    source: `${RECORD}
const full = new Map();
for (let i = 0; i < 2000; i++) full.set(i, new Record(i));
exports.step = () => { if (full.size < 2000) full.set(n, new Record(n++)); };
`,
  },
  {
    id: 'warm-up',
    source: `${RECORD}
const warm = new Map();
exports.step = () => { if (n < 900) warm.set(n, new Record(n)); n++; };
`,
  },
  {
    id: 'big-stable',
    source: `${RECORD}
const big = Array.from({ length: 20_000 }, (_, i) => new Record(i));
exports.step = () => { big[n++ % big.length].n++; };
`,
  },
  {
    id: 'sawtooth',
    source: `${RECORD}
let batch = [];
exports.step = () => { batch.push(new Record(n++)); if (n % 700 === 0) batch = []; };
`,
  },
  {
    id: 'lru',
    source: `${RECORD}
const lru = new Map();
exports.step = () => {
  lru.set('key ' + n, new Record(n++));
  if (lru.size > 250) lru.delete(lru.keys().next().value);
};
`,
  },
  {
    id: 'large-lru',
    source: `${RECORD}
const large = new Map();
for (; n < 1500; n++) large.set('key ' + n, new Record(n));
exports.step = () => {
  large.set('key ' + n, new Record(n++));
  large.delete(large.keys().next().value);
};
`,
  },
  {
    id: 'replaced-objects',
    source: `${RECORD}
const slots = Array.from({ length: 300 }, (_, i) => new Record(i));
exports.step = () => { slots[n % 300] = new Record(n++); };
`,
  },
  {
    id: 'interned-strings',
    source: `
const tag = (parts) => parts;
let n = 0;
exports.step = () => { tag\`one \${n++} two\`; Symbol.for('interned ' + (n % 50)); const o = {}; o['prop' + (n % 50)] = 1; return o; };
`,
  },
  {
    id: 'compiled-code',
    source: `
let n = 0;
exports.step = () => { const f = new Function('a', 'return a + ' + n++); for (let i = 0; i < 20; i++) f(i); };
`,
  },
  {
    id: 'buffer-pool',
    source: `
const pool = [];
let n = 0;
exports.step = () => {
  const taken = pool.pop() ?? Buffer.alloc(4096);
  taken[0] = n++;
  if (pool.length < 16) pool.push(taken);
};
`,
  },
  {
    id: 'ring-buffer',
    source: `${RECORD}
const ring = [];
exports.step = () => { ring.push(new Record(n++)); if (ring.length > 400) ring.shift(); };
`,
  },
  {
    id: 'queue-in-balance',
    source: `${RECORD}
const queue = [];
exports.step = () => { queue.push(new Record(n++)); if (queue.length > 100) queue.splice(0, 50); };
`,
  },
  {
    id: 'cleared-timers',
    source: `${RECORD}
exports.step = () => { const record = new Record(n++); clearTimeout(setTimeout(() => record, 3_600_000)); };
`,
  },
];
