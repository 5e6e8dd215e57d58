import { measureProgram, measureServers } from './measure.mjs';

/**
 * A case measures one program. Each of its metrics has `how`: 'ratio' (with the agent, divided by without) or 'added'
 * (the difference), and perhaps bars by level: a ratio or an amount that it must stay under ('<=') or above ('>=').
 */
const SERVER_METRICS = [
  {
    id: 'requestsPerSecond',
    unit: '/s',
    how: 'ratio',
    bars: { watch: ['>=', 0.99], diagnose: ['>=', 0.85] },
  },
  { id: 'p99Ms', unit: 'ms', how: 'ratio', bars: { watch: ['<=', 1.03] } },
  { id: 'cpuUsPerRequest', unit: 'µs', how: 'ratio', bars: {} },
];
const WORK_METRICS = [
  { id: 'cpuMs', unit: 'ms', how: 'ratio', bars: {} },
  { id: 'wallMs', unit: 'ms', how: 'ratio', bars: {} },
];
const AWAIT_METRICS = WORK_METRICS.map((metric) => ({ ...metric, bars: { watch: ['<=', 1.01] } }));
const MB = 1024 * 1024;

export const cases = [
  { id: 'awaits', metrics: AWAIT_METRICS, measure: (target) => measureProgram(target, 'awaits.mjs') },
  { id: 'cpu', metrics: WORK_METRICS, measure: (target) => measureProgram(target, 'cpu.mjs') },
  {
    id: 'fastify',
    metrics: SERVER_METRICS,
    measurePairs: (base, withAgent) => measureServers(base, withAgent, 'fastify-server.mjs'),
  },
  {
    id: 'http',
    metrics: SERVER_METRICS,
    measurePairs: (base, withAgent) => measureServers(base, withAgent, 'http-server.mjs'),
  },
  {
    id: 'memory',
    metrics: [
      { id: 'heapMb', unit: 'MB', how: 'added', bars: { watch: ['<=', 2] } },
      { id: 'rssMb', unit: 'MB', how: 'added', bars: { watch: ['<=', 20] } },
    ],
    async measure(target) {
      const { heapBytes, rssBytes } = await measureProgram(target, 'idle.mjs', { flags: ['--expose-gc'] });
      return { heapMb: heapBytes / MB, rssMb: rssBytes / MB };
    },
  },
  {
    // Alone in its process, without -r: the time that the program's start is put off.
    id: 'preload',
    minPairs: 20,
    metrics: [{ id: 'preloadMs', unit: 'ms', how: 'added', bars: { watch: ['<=', 25] } }],
    measure: (target) =>
      measureProgram(target, 'preload.cjs', { preload: false, args: target.agent ? [target.agent] : [] }),
  },
  {
    // The whole process: start, nothing, end. Holds the agent's last words too.
    id: 'start-up',
    minPairs: 20,
    metrics: [{ id: 'processMs', unit: 'ms', how: 'added', bars: { watch: ['<=', 25] } }],
    measure: (target) => measureProgram(target, 'empty.cjs'),
  },
  { id: 'timers', metrics: WORK_METRICS, measure: (target) => measureProgram(target, 'timers.mjs') },
];
