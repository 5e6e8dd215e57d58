// The agent's cost: the same program with and without it, side by side. See README.md.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { cases } from './cases.mjs';
import { compare } from './compare.mjs';
import { writeFigures } from './figures.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const HEADINGS = {
  what: 'what',
  base: 'base',
  measured: 'measured',
  text: 'median [95 %]',
  bar: 'bar',
  verdict: '',
};

/** @typedef {keyof typeof HEADINGS} Column */
const COLUMNS = /** @type {Column[]} */ (Object.keys(HEADINGS));

const { values: options } = parseArgs({
  options: {
    node: { type: 'string', multiple: true, default: [process.execPath] },
    only: { type: 'string', default: cases.map(({ id }) => id).join(',') },
    level: { type: 'string', default: 'watch' },
    build: { type: 'string', multiple: true, default: [] },
    minutes: { type: 'string', default: '6' },
    null: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
});

/** @import { Comparison, Result } from './types.d.ts' */
/** @typedef {{ name: string, agent: string | null }} Build */

/**
 * A build is the root of a checkout, its dist/, or the file that -r loads.
 *
 * @param {string} build
 */
function agentOf(build) {
  const path = resolve(build);
  const found = [path, join(path, 'agent.cjs'), join(path, 'dist', 'agent.cjs')].find(
    (file) => existsSync(file) && statSync(file).isFile(),
  );
  if (!found) throw new Error(`no agent in ${build}: run 'npm run build' there first`);
  return found;
}

/**
 * Each build against none, and this one against the others; only this one is compared with the bars.
 *
 * @param {string[]} names
 */
function comparisonsOf(names) {
  /** @type {(of: number, to: number) => Comparison} */
  const against = (of, to) => ({ name: `${names[of]} / ${names[to]}`, of, to, judged: of === 1 && to === 0 });
  const builds = [...names.keys()].slice(1);
  return [...builds.map((build) => against(build, 0)), ...builds.slice(1).map((other) => against(1, other))];
}

/** @param {Record<Column, string>[]} results */
function table(results) {
  const rows = [HEADINGS, ...results].map((row) => COLUMNS.map((key) => row[key]));
  const widths = COLUMNS.map((_, column) => Math.max(...rows.map((cells) => cells[column].length)));
  /** @type {(cell: string, column: number) => string} */
  const align = (cell, column) => (column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]));
  return rows.map((cells) => cells.map(align).join('  ').trimEnd()).join('\n');
}

/**
 * @param {string} node
 * @param {Build[]} builds
 * @param {string} out
 */
async function benchmark(node, builds, out) {
  const agents = [null, ...builds.map(({ agent }) => agent)];
  const variants = agents.map((agent) => ({ node, agent, level: options.level, out }));
  const comparisons = comparisonsOf(['none', ...builds.map(({ name }) => name)]);
  /** @type {Record<Column, string>[]} */
  const rows = [];
  /** @type {Result[]} */
  const measured = [];
  for (const one of cases.filter(({ id }) => options.only.split(',').includes(id))) {
    try {
      const results = await compare(one, variants, comparisons, { ...options, minutes: Number(options.minutes) });
      measured.push(...results);
      rows.push(...results.map((result) => ({ ...result, what: `${one.id} ${result.metric}, ${result.comparison}` })));
    } catch (error) {
      rows.push({
        what: one.id,
        base: '',
        measured: '',
        text: `failed: ${/** @type {Error} */ (error).message}`,
        bar: '',
        verdict: '',
      });
    }
  }
  const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim();
  console.log(`\nNode ${version}, level ${options.level}\n\n${table(rows)}`);
  if (options.write) writeFigures(ROOT, version, options.level, measured);
}

/** @type {Build[]} */
const builds = options.null
  ? [{ name: 'none again', agent: null }]
  : [{ name: 'this', agent: agentOf(ROOT) }, ...options.build.map((build) => ({ name: build, agent: agentOf(build) }))];
const out = mkdtempSync(join(tmpdir(), 'evdiag-bench-'));
try {
  for (const node of options.node) await benchmark(node, builds, out);
} finally {
  rmSync(out, { recursive: true, force: true });
}
