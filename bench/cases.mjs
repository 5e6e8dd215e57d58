import { measureProgram } from './program.mjs';
import { measureServers } from './servers.mjs';

/**
 * @import { Bar, Case, Figures, Metric, RunOptions, Variant } from './types.d.ts'
 */
const WITHIN_RATIO = 0.015;
const MB = 1024 * 1024;

/** @type {(diagnoseBar: number) => Metric[]} */
const serverMetrics = (diagnoseBar) => [
  { id: 'cpuUsPerRequest', unit: 'µs', how: 'ratio', within: WITHIN_RATIO, bars: { watch: ['<=', 1.02] } },
  {
    id: 'requestsPerSecond',
    unit: '/s',
    how: 'ratio',
    within: WITHIN_RATIO,
    bars: { watch: ['>=', 0.99], diagnose: ['>=', diagnoseBar] },
  },
  // What happens in few blocks, as windows and deep samples do, is in the sums.
  { id: 'cpuUsPerRequest', unit: 'µs', how: 'total', bars: { diagnose: ['<=', 1.06], watch: ['<=', 1.01] } },
  { id: 'requestsPerSecond', unit: '/s', how: 'total', bars: {} },
  // The CPU time that does not depend on how long a request waits for a core.
  { id: 'mainUsPerRequest', unit: 'µs', how: 'ratio', bars: {} },
  { id: 'p99Ms', unit: 'ms', how: 'ratio', bars: {} },
  // Near 1 the server was saturated; far below, others took the cores.
  { id: 'cores', unit: '', how: 'ratio', bars: {} },
];
/** @type {(bars?: Record<string, Bar>) => Metric[]} */
const workMetrics = (bars = {}) => [
  { id: 'cpuMs', unit: 'ms', how: 'ratio', within: WITHIN_RATIO, bars },
  { id: 'wallMs', unit: 'ms', how: 'ratio', bars },
];

/**
 * One run of the program per variant is a round.
 *
 * @param {string} program
 * @param {(variant: Variant) => RunOptions} options
 * @param {(printed: Figures) => Figures} figures
 * @returns {Case['measureRound']}
 */
function runs(program, options = () => ({}), figures = (printed) => printed) {
  return async (variants, round) => {
    /** @type {Figures[]} */
    const results = [];
    const order = round % 2 === 0 ? [...variants.keys()] : [...variants.keys()].reverse();
    for (const which of order) {
      const variant = variants[which];
      results[which] = figures(await measureProgram(variant, program, options(variant)));
    }
    return [results];
  };
}

/** @type {Case[]} */
export const cases = [
  { id: 'awaits', metrics: workMetrics({ watch: ['<=', 1.01] }), measureRound: runs('awaits.mjs') },
  { id: 'cpu', metrics: workMetrics(), measureRound: runs('cpu.mjs') },
  {
    id: 'fastify',
    metrics: serverMetrics(0.93),
    measureRound: (variants) => measureServers(variants, 'fastify-server.mjs'),
  },
  {
    id: 'http',
    metrics: serverMetrics(0.94),
    measureRound: (variants) => measureServers(variants, 'http-server.mjs'),
  },
  {
    id: 'memory',
    metrics: [
      { id: 'heapMb', unit: 'MB', how: 'added', within: 0.1, bars: { watch: ['<=', 2] } },
      { id: 'rssMb', unit: 'MB', how: 'added', within: 0.5, bars: { watch: ['<=', 12] } },
    ],
    measureRound: runs(
      'idle.mjs',
      () => ({ flags: ['--expose-gc'] }),
      ({ heapBytes, rssBytes }) => ({ heapMb: heapBytes / MB, rssMb: rssBytes / MB }),
    ),
  },
  {
    // Alone in its process, without -r: the delay of the program's start.
    id: 'preload',
    metrics: [{ id: 'preloadMs', unit: 'ms', how: 'added', within: 1, bars: { watch: ['<=', 12] } }],
    measureRound: runs('preload.cjs', ({ agent }) => ({ preload: false, args: agent ? [agent] : [] })),
  },
  {
    // The whole process: start, nothing, end. Includes the agent's summary.
    id: 'start-up',
    metrics: [{ id: 'processMs', unit: 'ms', how: 'added', within: 1.5, bars: { watch: ['<=', 20] } }],
    measureRound: runs('empty.cjs'),
  },
  { id: 'timers', metrics: workMetrics(), measureRound: runs('timers.mjs') },
];
