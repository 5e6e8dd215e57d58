// The figures of docs/costs.md and of the README, between "<!-- figures NAME -->" and "<!-- end -->": npm run bench -- --write
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** @import { Figure, Result } from './types.d.ts' */

const STORE = 'bench/figures.json';
const PAGES = ['docs/costs.md', 'README.md'];
const NODES = ['20', '22', '24', '26'];

/** What the tables show, in their order: words, case, metric. */
const ROWS = [
  ['HTTP, requests per second', 'http', 'requestsPerSecond'],
  ['HTTP, CPU per request', 'http', 'cpuUsPerRequest'],
  ['HTTP, CPU per request, sum by sum', 'http', 'cpuUsPerRequest of all'],
  ['HTTP, p99 of the latency', 'http', 'p99Ms'],
  ['Fastify, requests per second', 'fastify', 'requestsPerSecond'],
  ['Fastify, CPU per request', 'fastify', 'cpuUsPerRequest'],
  ['Fastify, CPU per request, sum by sum', 'fastify', 'cpuUsPerRequest of all'],
  ['awaits, CPU', 'awaits', 'cpuMs'],
  ['timers, CPU', 'timers', 'cpuMs'],
  ['computing, CPU', 'cpu', 'cpuMs'],
  ['preload, in the main thread, ms', 'preload', 'preloadMs'],
  ['start and end of a process that does nothing, ms', 'start-up', 'processMs'],
  ['resident memory after a second of doing nothing, MB', 'memory', 'rssMb'],
  ['heap of the main thread, MB', 'memory', 'heapMb'],
];

/**
 * Keeps what was measured of this build against none, and prints it into the pages. Figures that this run did not measure stay.
 *
 * @param {string} root of the checkout
 * @param {string} version of Node.js, like v20.11.0
 * @param {string} level
 * @param {Result[]} results
 */
export function writeFigures(root, version, level, results) {
  const store = join(root, STORE);
  /** @type {Record<string, Figure>} */
  const figures = existsSync(store) ? JSON.parse(readFileSync(store, 'utf8')) : {};
  const node = version.replace(/^v(\d+).*/, '$1');
  const day = new Date().toISOString().slice(0, 10);
  for (const { case: id, metric, comparison, text, median } of results)
    if (comparison === 'this / none') figures[keyOf(level, id, metric, node)] = { text, median, day };
  const sorted = Object.fromEntries(Object.entries(figures).sort(([one], [other]) => (one < other ? -1 : 1)));
  writeFileSync(store, `${JSON.stringify(sorted, null, 2)}\n`);
  printFigures(root, sorted);
}

/**
 * @param {string} root
 * @param {Record<string, Figure>} figures
 */
function printFigures(root, figures) {
  const texts = { watch: tableOf('watch', figures), diagnose: tableOf('diagnose', figures), cost: sentenceOf(figures) };
  for (const page of PAGES) {
    const file = join(root, page);
    let text = readFileSync(file, 'utf8');
    for (const [name, of] of Object.entries(texts))
      text = text.replace(
        new RegExp(`<!-- figures ${name} -->[\\s\\S]*?<!-- end -->`),
        () => `<!-- figures ${name} -->\n${of}\n<!-- end -->`,
      );
    writeFileSync(file, text);
  }
}

/** @type {(level: string, id: string, metric: string, node: string) => string} */
const keyOf = (level, id, metric, node) => `${level} ${id} ${metric} ${node}`;

/**
 * @param {string} level
 * @param {Record<string, Figure>} figures
 */
function tableOf(level, figures) {
  const rows = ROWS.map(([words, id, metric]) => {
    const cells = NODES.map(
      (node) => figures[keyOf(level, id, metric, node)]?.text.replace('[? ?]', '(one round)') ?? '',
    );
    return cells.some(Boolean) ? `| ${words} | ${cells.join(' | ')} |` : '';
  }).filter(Boolean);
  return ['| what | Node 20 | 22 | 24 | 26 |', '|---|---|---|---|---|', ...rows].join('\n');
}

/**
 * The README's: the plain words for the medians of all Nodes that were measured.
 *
 * @param {Record<string, Figure>} figures
 */
function sentenceOf(figures) {
  /** @type {(id: string, metric: string, show: (value: number) => string) => string} */
  const span = (id, metric, show) => {
    const medians = NODES.flatMap((node) => figures[keyOf('watch', id, metric, node)]?.median ?? []);
    if (medians.length === 0) return '?';
    const [least, most] = [show(Math.min(...medians)), show(Math.max(...medians))];
    return least === most ? least : `${least} to ${most}`;
  };
  const times = (/** @type {number} */ value) => value.toFixed(2);
  const whole = (/** @type {number} */ value) => String(Math.round(value));
  return [
    `At level \`watch\` a saturated server that does nothing else takes ${span('http', 'cpuUsPerRequest', times)} times the CPU per request (HTTP)`,
    `or ${span('fastify', 'cpuUsPerRequest', times)} times (Fastify); start-up takes ${span('start-up', 'processMs', whole)} ms longer, and memory rises by ${span('memory', 'rssMb', whole)} MB.`,
  ].join('\n');
}
