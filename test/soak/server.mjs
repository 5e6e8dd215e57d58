// A server that blocks once a second, and tells on stdout what it did and what it holds: one JSON object a line, so
// that it keeps nothing itself. It ends at SIGTERM.
// usage: node server.mjs '{"seconds":40,"stallEveryMs":1000,"sampleEveryMs":2000}'
import { pbkdf2Sync } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { Session } from 'node:inspector';
import { join } from 'node:path';
import { BroadcastChannel, Worker } from 'node:worker_threads';

const { seconds, stallEveryMs, sampleEveryMs } = JSON.parse(process.argv[2]);
const STALL_MS = 150;
/** Calls between the request and the line that blocks. Eight different stacks are what the row of a stall holds. */
const DEPTHS = [50, 51, 52, 53, 54, 55, 56, 57];
const LEVELS = { diagnose: 0.3, watch: 0.6 };
const WORKER_EVERY_MS = 3000;

const text = JSON.stringify(Array.from({ length: 2000 }, (_, i) => ({ id: i, name: `name ${i}`, tags: ['a', 'b'] })));
const file = join(process.cwd(), 'data.json');
writeFileSync(file, text);

const monotonicMs = () => Number(process.hrtime.bigint()) / 1e6;
const tell = (line) => console.log(JSON.stringify(line));

/** One line each that blocks; its mark is the kind of the stall. */
const blocks = [
  function compute(end) {
    while (performance.now() < end) Math.hypot(end, performance.now()); // js-cpu
  },
  function parse(end) {
    while (performance.now() < end) JSON.parse(text); // json
  },
  function load(end) {
    while (performance.now() < end) readFileSync(file, 'utf8'); // sync-fs
  },
  function hash(end) {
    while (performance.now() < end) pbkdf2Sync('password', 'salt', 5000, 32, 'sha512'); // sync-crypto
  },
];
let stalls = 0;
let due = false;

function through(depth, block, end) {
  return depth > 0 ? through(depth - 1, block, end) : block(end);
}

function stall() {
  const block = blocks[stalls++ % blocks.length];
  const startMs = monotonicMs();
  const start = performance.now();
  DEPTHS.forEach((depth, i) => void through(depth, block, start + (STALL_MS * (i + 1)) / DEPTHS.length));
  tell({ type: 'stall', block: block.name, startMs, endMs: monotonicMs() });
}

let connections = 0;
const server = http.createServer((_request, response) => {
  if (due) {
    due = false;
    stall();
  }
  response.end('{"ok":true}');
});

server.on('connection', (socket) => {
  connections++;
  socket.once('close', () => connections--);
});

/** What the thread of a session holds once its garbage is collected. */
async function heapOf(post) {
  await post('HeapProfiler.collectGarbage');
  const { result } = await post('Runtime.evaluate', { expression: 'JSON.stringify(process.memoryUsage())' });
  const { heapUsed, external } = JSON.parse(result.value);
  return { heapBytes: heapUsed, externalBytes: external };
}

const session = new Session();
session.connect();
const ask = (method, params) =>
  new Promise((resolve, reject) => {
    session.post(method, params, (error, result) => (error ? reject(error) : resolve(result)));
  });

/** Speaks to the watchdog by Node's own NodeWorker domain; resolves when it is there. */
function askerOfWatchdog() {
  const open = new Map();
  let sessionId = null;
  let id = 0;
  const post = (method, params = {}) =>
    new Promise((resolve, reject) => {
      open.set(++id, resolve);
      const message = JSON.stringify({ id, method, params });
      ask('NodeWorker.sendMessageToWorker', { sessionId, message }).catch(reject);
    });
  session.on('NodeWorker.receivedMessageFromWorker', ({ params }) => {
    const message = JSON.parse(params.message);
    if (params.sessionId !== sessionId || !('id' in message)) return;
    open.get(message.id)(message.result);
    open.delete(message.id);
  });
  return new Promise((resolve, reject) => {
    session.on('NodeWorker.attachedToWorker', ({ params }) => {
      if (!params.workerInfo.title.includes('evdiag watchdog')) return;
      sessionId = params.sessionId;
      resolve(post);
    });
    ask('NodeWorker.enable', { waitForDebuggerOnStart: false }).catch(reject);
  });
}

const count = (folder) => {
  try {
    return readdirSync(folder).length;
  } catch {
    return null; // not on this platform
  }
};

let askWatchdog = null;
async function sample() {
  tell({
    type: 'memory',
    stalls,
    main: await heapOf(ask),
    watchdog: await heapOf(askWatchdog),
    rssBytes: process.memoryUsage.rss(),
    descriptors: count('/proc/self/fd'),
    connections,
    threads: count('/proc/self/task'),
    workers,
  });
}

/** Some end by themselves, some are terminated as they start, some live long enough to get a recording of their own. */
const lives = [
  { code: 'setTimeout(() => {}, 50)' },
  { code: 'setInterval(() => {}, 10)', terminateAfterMs: () => Math.random() * 60 },
  { code: 'setTimeout(() => {}, 300)' },
  { code: 'for (;;);', terminateAfterMs: () => 60 + Math.random() * 300 },
  { code: 'setTimeout(() => {}, 2500)' },
];
let workers = 0;
let workersStarted = 0;

function startWorker() {
  const { code, terminateAfterMs } = lives[workersStarted++ % lives.length];
  const worker = new Worker(code, { eval: true });
  workers++;
  worker.on('exit', () => workers--);
  if (terminateAfterMs) setTimeout(() => worker.terminate(), terminateAfterMs());
}

function setLevel(level) {
  const channel = new BroadcastChannel('evdiag.agent');
  channel.postMessage({ type: 'level', level });
  channel.close();
}

server.listen(0, '127.0.0.1', async () => {
  askWatchdog = await askerOfWatchdog();
  const timers = [
    setInterval(() => {
      due = true;
    }, stallEveryMs),
    setInterval(startWorker, WORKER_EVERY_MS),
  ];
  // Half way between two stalls.
  setTimeout(() => timers.push(setInterval(sample, sampleEveryMs)), stallEveryMs / 2);
  for (const [level, share] of Object.entries(LEVELS)) setTimeout(setLevel, share * seconds * 1000, level);
  process.once('SIGTERM', () => {
    timers.forEach(clearInterval);
    server.close();
    server.closeAllConnections();
    tell({ type: 'end', stalls, workersStarted });
    // The last worker may still live.
    setTimeout(() => process.exit(0), WORKER_EVERY_MS);
  });
  tell({ type: 'listening', port: server.address().port });
});
