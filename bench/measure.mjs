// Runs one program once, with or without the agent, and returns the numbers it measured.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import autocannon from 'autocannon';
import { quantile } from './quantile.mjs';

const PROGRAMS = fileURLToPath(new URL('programs/', import.meta.url));
/** Enough to keep a server that waits a millisecond per request fully busy. */
const CONNECTIONS = 40;
/** Longer than the first closer look of the agent, which follows two busy seconds and lasts two: one in two minutes. */
const WARM_UP_SECONDS = 6;
const SLICE_SECONDS = 1;
const SLICES = 10;

/**
 * @param {{ node: string, agent: string | null, level: string, out: string }} target which Node, and the agent if any
 * @param {string} program a file of programs/
 */
function start({ node, agent, level, out }, program, { flags = [], args = [], preload = true, stdio }) {
  const agentFlags = agent && preload ? ['-r', agent] : [];
  const child = spawn(node, [...agentFlags, ...flags, join(PROGRAMS, program), ...args], {
    env: { ...process.env, EVDIAG_LEVEL: level, EVDIAG_OUT: out, EVDIAG_QUIET: '1' },
    stdio,
  });
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal }));
  return { child, ended };
}

/** What the program printed as JSON, and its whole wall time. */
export async function measureProgram(target, program, options = {}) {
  const startedAt = performance.now();
  const { child, ended } = start(target, program, { ...options, stdio: ['ignore', 'pipe', 'inherit'] });
  let printed = '';
  child.stdout.on('data', (chunk) => {
    printed += chunk;
  });
  const { code } = await ended;
  if (code !== 0) throw new Error(`${program} ended with code ${code}`);
  return { ...JSON.parse(printed || '{}'), processMs: performance.now() - startedAt };
}

/**
 * Throughput, latency and CPU time per request of two servers under load from this process: both run, and take turns
 * of a second in the order ABBA, so that whatever else the machine does hits both alike.
 *
 * @returns {Promise<{ base: object, withAgent: object }[]>} one pair per slice
 */
export async function measureServers(base, withAgent, program) {
  const servers = await Promise.all([startServer(base, program), startServer(withAgent, program)]);
  try {
    for (const server of servers) await visit(server.url, WARM_UP_SECONDS);
    const pairs = [];
    for (let slice = 0; slice < SLICES; slice++) {
      const order = slice % 2 === 0 ? [0, 1] : [1, 0];
      const results = [];
      for (const which of order) results[which] = await measureSlice(servers[which]);
      pairs.push({ base: results[0], withAgent: results[1] });
    }
    return pairs;
  } finally {
    for (const { child } of servers) child.kill('SIGKILL');
    await Promise.all(servers.map(({ ended }) => ended));
  }
}

async function startServer(target, program) {
  const { child, ended } = start(target, program, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const [{ port }] = await Promise.race([once(child, 'message'), ended.then(() => [{ port: null }])]);
  if (!port) throw new Error(`${program} ended before it listened`);
  return { child, ended, url: `http://127.0.0.1:${port}/` };
}

async function measureSlice({ child, url }) {
  const before = await cpuUs(child);
  const { load, latenciesMs } = await visit(url, SLICE_SECONDS);
  const usedUs = (await cpuUs(child)) - before;
  const requests = load['2xx'];
  if (requests === 0 || load.non2xx || load.errors) throw new Error('the server answered with errors under load');
  return {
    requestsPerSecond: requests / load.duration,
    p99Ms: quantile(latenciesMs, 0.99),
    cpuUsPerRequest: usedUs / requests,
  };
}

/** autocannon's own latencies are whole milliseconds, too coarse for a bar of 3 %: these are not. */
async function visit(url, duration) {
  const latenciesMs = [];
  const load = autocannon({ url, connections: CONNECTIONS, duration });
  load.on('response', (_client, _status, _bytes, milliseconds) => latenciesMs.push(milliseconds));
  return { load: await load, latenciesMs };
}

async function cpuUs(child) {
  child.send('cpu');
  const [answer] = await once(child, 'message');
  return answer.cpuUs;
}
