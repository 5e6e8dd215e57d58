// The agent's cost: the same program with and without it, in pairs, in the order ABBA. See README.md.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { cases } from './cases.mjs';
import { quantile } from './quantile.mjs';

const AGENT = fileURLToPath(new URL('../dist/agent.cjs', import.meta.url));
const DEFAULT_PAIRS = 5;
const HEADINGS = ['what', 'base', 'with agent', 'median [p25 p75]', 'bar', ''];

const { values: options } = parseArgs({
  options: {
    node: { type: 'string', multiple: true, default: [process.execPath] },
    pairs: { type: 'string', default: String(DEFAULT_PAIRS) },
    only: { type: 'string', default: cases.map(({ id }) => id).join(',') },
    level: { type: 'string', default: 'watch' },
    null: { type: 'boolean', default: false },
  },
});

/** @returns {Promise<{ base: object, withAgent: object }[]>} the numbers of every pair */
async function measurePairs({ id, measure, measurePairs: measureTogether, minPairs = 0 }, base, withAgent) {
  const count = Math.max(Number(options.pairs), minPairs);
  const pairs = [];
  for (let pair = 0; measureTogether && pair < count; pair++) {
    if (process.stderr.isTTY) process.stderr.write(`\r${id}: ${pair + 1}/${count} `);
    pairs.push(...(await measureTogether(base, withAgent)));
  }
  if (measureTogether) return pairs;
  await measure(withAgent); // The first run of all pays for cold files.
  for (let pair = 0; pair < count; pair++) {
    if (process.stderr.isTTY) process.stderr.write(`\r${id}: ${pair + 1}/${count} `);
    if (pair % 2 === 0) {
      const first = await measure(base);
      pairs.push({ base: first, withAgent: await measure(withAgent) });
    } else {
      const first = await measure(withAgent);
      pairs.push({ base: await measure(base), withAgent: first });
    }
  }
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
  return pairs;
}

function row(id, { id: metric, unit, how, bars }, pairs) {
  const [bases, withAgents] = ['base', 'withAgent'].map((side) => pairs.map((pair) => pair[side][metric]));
  const compared = bases.map((base, i) => (how === 'ratio' ? withAgents[i] / base : withAgents[i] - base));
  const [median, p25, p75] = [0.5, 0.25, 0.75].map((share) => quantile(compared, share));
  const amount = (value) => `${value.toFixed(value >= 100 ? 0 : 2)} ${unit}`;
  const text = (value) => (how === 'ratio' ? value.toFixed(3) : `${value < 0 ? '' : '+'}${value.toFixed(2)}`);
  const [sign, bar] = bars[options.level] ?? [];
  const holds = sign === '<=' ? median <= bar : median >= bar;
  return [
    `${id} ${metric}`,
    amount(quantile(bases, 0.5)),
    amount(quantile(withAgents, 0.5)),
    `${text(median)} [${text(p25)} ${text(p75)}]`,
    sign ? `${sign} ${how === 'ratio' ? bar : `${bar} ${unit}`}` : '',
    sign ? (holds ? 'ok' : 'over') : '',
  ];
}

function table(rows) {
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((cells) => cells[column].length)));
  const align = (cell, column) => (column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]));
  return rows.map((cells) => cells.map(align).join('  ').trimEnd()).join('\n');
}

async function benchmark(node, out) {
  const base = { node, agent: null, level: options.level, out };
  const withAgent = options.null ? base : { ...base, agent: AGENT };
  const rows = [HEADINGS];
  for (const one of cases.filter(({ id }) => options.only.split(',').includes(id))) {
    try {
      const pairs = await measurePairs(one, base, withAgent);
      rows.push(...one.metrics.map((metric) => row(one.id, metric, pairs)));
    } catch (error) {
      rows.push([one.id, '', '', `failed: ${error.message}`, '', '']);
    }
  }
  const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim();
  const against = options.null ? 'nothing against nothing' : `level ${options.level} against no agent`;
  console.log(`\nNode ${version}, ${against}, ${options.pairs} pairs or more\n\n${table(rows)}`);
}

if (!existsSync(AGENT) && !options.null) throw new Error(`no ${AGENT}: run 'npm run build' first`);
const out = mkdtempSync(join(tmpdir(), 'evdiag-bench-'));
try {
  for (const node of options.node) await benchmark(node, out);
} finally {
  rmSync(out, { recursive: true, force: true });
}
