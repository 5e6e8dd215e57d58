// Throughput, latency and CPU time of servers that live side by side and take turns under load.
import { once } from 'node:events';
import { openLoad } from './load.mjs';
import { processCpu } from './process-cpu.mjs';
import { startProgram } from './program.mjs';
import { quantile } from './quantile.mjs';

/** Longer than the agent's first deep sample, which follows two busy seconds and lasts two: one in two minutes. */
const WARM_UP_MS = 5_500;
/** Until V8 has optimised hot code: if others take the cores, that takes longer. */
const WARM_UP_CPU_US = 3e6;
const LONGEST_WARM_UP_MS = 40_000;
/** Longer than the agent follows what is started after many connections were opened: 15 s, at most every two minutes. */
const SETTLED_MS = 20_000;
/** As short as the bursts in which a machine is disturbed, or shorter: so these hit all variants alike. */
const SLICE_MS = 150;
const BLOCKS = 20;

/** @import { Figures, Server, Slice, Variant } from './types.d.ts' */
/** @typedef {Slice & { allUs: number, mainUs: number }} Turn */

/**
 * One process per variant. In each block all take two turns, in the order ABBA.
 *
 * @param {readonly Variant[]} variants
 * @param {string} program
 * @returns {Promise<Figures[][]>} the blocks; each has the figures of every variant
 */
export async function measureServers(variants, program) {
  /** @type {Server[]} */
  const servers = [];
  try {
    for (const variant of variants) servers.push(await startServer(variant, program));
    const startedAt = performance.now();
    // At the same time: V8 forgets hidden classes while a process idles, and the one that waited for its turn would be slower for good.
    await Promise.all(servers.map(warmUp));
    while (performance.now() - startedAt < SETTLED_MS) for (const { load } of servers) await load.run(SLICE_MS);
    const blocks = [];
    for (let block = 0; block < BLOCKS; block++) blocks.push(await measureBlock(servers));
    return blocks;
  } finally {
    for (const { child, load } of servers) {
      load.close();
      child.kill('SIGKILL');
    }
    await Promise.all(servers.map(({ ended }) => ended));
  }
}

/**
 * @param {Variant} variant
 * @param {string} program
 * @returns {Promise<Server>}
 */
async function startServer(variant, program) {
  const { child, ended } = startProgram(variant, program, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const [port] = await Promise.race([once(child, 'message'), ended.then(() => [null])]);
  if (!port) throw new Error(`${program} ended before it listened`);
  try {
    return { child, ended, pid: /** @type {number} */ (child.pid), load: await openLoad(port) };
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
}

/** @param {Server} server */
async function warmUp({ pid, load }) {
  const until = performance.now() + LONGEST_WARM_UP_MS;
  await load.run(WARM_UP_MS);
  while (processCpu(pid).mainUs < WARM_UP_CPU_US && performance.now() < until) await load.run(SLICE_MS);
}

/** @param {Server[]} servers */
async function measureBlock(servers) {
  /** @type {Turn[][]} */
  const slices = servers.map(() => []);
  const order = [...servers.keys()];
  for (const which of [...order, ...order.toReversed()]) slices[which].push(await measureSlice(servers[which]));
  return slices.map((turns) => {
    /** @param {'allUs' | 'mainUs' | 'requests' | 'seconds'} field */
    const sum = (field) => turns.reduce((total, turn) => total + turn[field], 0);
    return {
      cpuUsPerRequest: sum('allUs') / sum('requests'),
      mainUsPerRequest: sum('mainUs') / sum('requests'),
      requestsPerSecond: sum('requests') / sum('seconds'),
      p99Ms: quantile(
        turns.flatMap(({ latenciesMs }) => latenciesMs),
        0.99,
      ),
      cores: sum('allUs') / 1e6 / sum('seconds'),
    };
  });
}

/** @param {Server} server */
async function measureSlice({ pid, load }) {
  const before = processCpu(pid);
  const slice = await load.run(SLICE_MS);
  const after = processCpu(pid);
  return { ...slice, allUs: after.allUs - before.allUs, mainUs: after.mainUs - before.mainUs };
}
