import { realpathSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, createServer, get as httpGet } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { Scenario } from './types.ts';

/** Answers one request; throwing makes it a 500, which fails the scenario. */
export type Route = (query: URLSearchParams) => string | Promise<string>;

/** Sends one request and resolves with the time until its whole answer was read, in ms. */
export type Get = (path: string) => Promise<number>;

/** Long enough for a quiet program to be seen as quiet before the first request, and after the last one. */
const QUIET_BEFORE_MS = 300;
const QUIET_AFTER_MS = 200;
const PAUSE_MS = 200;
const PING_EVERY_MS = 5;
/** Long enough for a condition without one long block to be noticed and looked at, also where a reading or two come late. */
const RUN_MS = 7500;
/** `npm run levels` lengthens loads: what grows has hours in production. */
const LONGER = Number(process.env.SCENARIO_LONGER ?? 1);

/** Serves `routes` (and an innocent `/ping`) on a free port of 127.0.0.1 while `visit` runs. */
export async function withServer<T>(routes: Record<string, Route>, visit: (get: Get) => Promise<T>): Promise<T> {
  const all: Record<string, Route> = { '/ping': () => 'pong', ...routes };
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    try {
      response.end(await all[url.pathname]!(url.searchParams));
    } catch (error) {
      response.writeHead(500).end(String(error));
    }
  });
  // On a busy host, what idles for the usual 5 s would be closed at the moment in which it is used again.
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const agent = new Agent({ keepAlive: true });
  try {
    await delay(QUIET_BEFORE_MS);
    const result = await visit((path) => timedGet(agent, `http://127.0.0.1:${port}${path}`));
    await delay(QUIET_AFTER_MS);
    return result;
  } finally {
    agent.destroy();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

function timedGet(agent: Agent, url: string): Promise<number> {
  const startMs = performance.now();
  return new Promise((resolve, reject) => {
    httpGet(url, { agent }, (response) => {
      response.on('error', reject);
      response.on('end', () => {
        if (response.statusCode === 200) resolve(performance.now() - startMs);
        else reject(new Error(`${url} answered ${response.statusCode}`));
      });
      response.resume();
    }).on('error', reject);
  });
}

/** Requests `path` again and again with pauses, and an innocent `/ping` all the while: the slowest ping in ms. */
export async function slowestPing(get: Get, path: string, times: number): Promise<number> {
  let slowestMs = 0;
  for (let i = 0; i < times; i++) {
    slowestMs = Math.max(slowestMs, ...(await pingBeside(get, get(path))));
    await delay(PAUSE_MS);
  }
  return slowestMs;
}

/** Pings until `work` is done: how long each took, in ms. */
async function pingBeside(get: Get, work: Promise<unknown>): Promise<number[]> {
  let done = false;
  const watched = work.finally(() => {
    done = true;
  });
  const tookMs: number[] = [];
  // From when a ping was due, not from when it could be sent: a block during the delay is waited for as well.
  let dueMs = performance.now();
  for (;;) {
    await get('/ping');
    tookMs.push(performance.now() - dueMs);
    if (done) break;
    dueMs = performance.now() + PING_EVERY_MS;
    await delay(PING_EVERY_MS);
  }
  await watched;
  return tookMs;
}

/** What a steady load met. */
export interface SteadyLoad {
  requests: number;
  /** 95 of 100 pings took at most this long. */
  pingMs: number;
  slowestPingMs: number;
}

/**
 * Each client requests `path` every `everyMs`, or back to back if answers take longer; `/ping` all the while, for `runMs`.
 * A `{i}` in the path becomes the number of the request.
 */
export async function steadyLoad(
  get: Get,
  path: string,
  everyMs: number,
  clients = 1,
  runMs = RUN_MS,
): Promise<SteadyLoad> {
  let requests = 0;
  const load = async () => {
    const endMs = performance.now() + runMs * LONGER;
    for (let dueMs = performance.now(); dueMs < endMs; dueMs = Math.max(dueMs + everyMs, performance.now())) {
      const earlyMs = dueMs - performance.now();
      if (earlyMs > 0) await delay(earlyMs);
      await get(path.replace('{i}', String(requests++)));
    }
  };
  const tookMs = (await pingBeside(get, Promise.all(Array.from({ length: clients }, load)))).sort((a, b) => a - b);
  return { requests, pingMs: tookMs[Math.floor(tookMs.length * 0.95)]!, slowestPingMs: tookMs.at(-1)! };
}

/** Sends requests to `path` together, then three more one by one: how long the first group took, in ms. */
export async function togetherThenApart(get: Get, path: string, together: number): Promise<number> {
  const startMs = performance.now();
  await Promise.all(Array.from({ length: together }, () => get(path)));
  const tookMs = performance.now() - startMs;
  for (let i = 0; i < 3; i++) {
    await delay(PAUSE_MS);
    await get(path);
  }
  return tookMs;
}

/** Makes a folder for `use` and removes it afterwards. */
export async function withTempDir<T>(use: (dir: string) => Promise<T>): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), 'evdiag-scenario-'));
  try {
    return await use(dir);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** Runs `job`, the source of a function (it may `require`), on `count` threads; `ask` gives one input to the next of them. */
export async function withWorkers<T>(
  job: string,
  count: number,
  use: (ask: (input: unknown) => Promise<unknown>) => Promise<T>,
): Promise<T> {
  const source = `
    const { parentPort } = require('node:worker_threads');
    const job = ${job};
    parentPort.on('message', ({ id, input }) => parentPort.postMessage({ id, output: job(input) }));
    parentPort.postMessage({ id: 0 });`;
  const pending = new Map<number, (output: unknown) => void>();
  const workers: Worker[] = [];
  let asked = 0;
  try {
    for (let i = 0; i < count; i++) {
      const worker = new Worker(source, { eval: true });
      workers.push(worker);
      await new Promise<void>((resolve, reject) => {
        worker.on('error', reject);
        worker.once('message', () => resolve());
      });
      worker.on('message', ({ id, output }: { id: number; output: unknown }) => {
        pending.get(id)?.(output);
        pending.delete(id);
      });
    }
    return await use(
      (input) =>
        new Promise((resolve) => {
          const id = ++asked;
          pending.set(id, resolve);
          workers[id % count]!.postMessage({ id, input });
        }),
    );
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

/** One line of an access log, about 120 characters, without randomness so that every run does the same work. */
export function logLine(i: number): string {
  const mixed = Math.imul(i, 2654435761) >>> 0;
  return `2026-01-01T00:00:00Z 10.0.${mixed & 255}.${i & 255} GET /api/orders/${mixed}/items?page=${i} 200 ${mixed % 9973} bytes ${mixed % 311} ms "Mozilla/5.0 (X11)"`;
}

/** Of a program: the agent does not keep one that ends before its observation could start. */
const SHORTEST_MS = 1000;

/** Lets `node scenario.js [--fixed]` run the scenario alone; does nothing when the file is imported or bundled into another. */
export function runIfMain(moduleUrl: string, scenario: Scenario): void {
  const script = process.argv[1];
  if (script === undefined || basename(script).replace(/\.\w+$/, '') !== scenario.id) return;
  if (realpathSync(script) !== fileURLToPath(moduleUrl)) return;
  const lacking = scenario.lacks?.() ?? null;
  if (lacking !== null) {
    console.log(`${scenario.id}: skipped, as it needs ${lacking}`);
    return;
  }
  const variant = process.argv.includes('--fixed') ? 'fixed' : 'broken';
  scenario[variant]().then(
    ({ what, value, unit }) => {
      console.log(`${scenario.id} (${variant}): ${what} took ${Math.round(value)} ${unit}`);
      setTimeout(() => {}, Math.max(1, SHORTEST_MS - performance.now()));
    },
    (error) => {
      console.error(error);
      process.exitCode = 1;
    },
  );
}
