// Bundles 0x's visualizer, and d3-fg that it draws with, into one script, with patches.
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { build } from 'esbuild';

const require = createRequire(import.meta.url);
/** @param {string} name */
const ours = (name) => resolve('src/exporters/viewer', name);

/** Whole parts of 0x's page that are replaced by ours. */
/** @type {Record<string, string>} */
const REPLACED = { 'type-filters': 'type-filters.cjs', key: 'key.cjs', controls: 'controls.cjs' };

/** Pieces of text in these files; the build fails if one is missing. */
/** @type {Record<string, [string, string][]>} */
const PATCHES = {
  '0x/visualizer/index.js': [
    // All categories are shown at first.
    ["new Set(['cpp', 'regexp', 'v8', 'native', 'init'])", 'new Set()'],
    ['const fg = ', `const { colorHash } = require(${JSON.stringify(ours('colors.js'))})\nconst fg = `],
    ['exclude: Array.from(exclude),', 'exclude: Array.from(exclude),\n    colorHash,\n    minHeight: 300,'],
    // A page from a file may have no history of its own.
    ['actions.focusNode()', 'quiet(actions.focusNode())'],
    ['module.exports = function', 'const quiet = (f) => (d) => { try { f(d) } catch {} }\n\nmodule.exports = function'],
  ],
  '0x/visualizer/cmp/graph.js': [
    // Each node has its type; names do not prove one.
    ['const name = child.name', "return { type: child.type || 'v8' }\n  const name = child.name"],
  ],
  '0x/visualizer/cmp/title.js': [['black-70 bg-white', '']],
  'd3-fg/index.js': [
    [
      'function tooltipLabel (d) {',
      `function tooltipLabel (d) {\n    if (d.parent) return require(${JSON.stringify(ours('tooltip.js'))}).tooltip(d.data, allSamples, stackTop(d.data))`,
    ],
    // Names have colons; files must be found too.
    ["searchArea = label.split(':')[0]", 'searchArea = label'],
    ["searchArea = label.split(' ')[0]", 'searchArea = label'],
  ],
};

/** @type {import('esbuild').Plugin} */
const mended = {
  name: 'mended',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^\.\/(type-filters|key|controls)$/ }, ({ path, importer }) =>
      importer.includes('visualizer') ? { path: ours(REPLACED[path.slice(2)]) } : undefined,
    );
    for (const [file, pairs] of Object.entries(PATCHES)) {
      const [name, ...rest] = file.split('/');
      const folder = require.resolve(`${name}/package.json`).replace(/package\.json$/, '');
      const path = resolve(folder, rest.join('/'));
      onLoad({ filter: new RegExp(`${path.replace(/[.\\]/g, '\\$&')}$`) }, async () => {
        let contents = await readFile(path, 'utf8');
        for (const [from, to] of pairs) {
          if (!contents.includes(from))
            throw new Error(`${file} has no "${from}" any more: see scripts/build-viewer.mjs`);
          contents = contents.replace(from, () => to);
        }
        return { contents };
      });
    }
  },
};

/** Writes dist/flamegraph-viewer.js, and the licenses of what is in it. */
export async function buildViewer() {
  const { metafile } = await build({
    metafile: true,
    bundle: true,
    format: 'iife',
    platform: 'browser',
    target: 'es2020',
    minify: true,
    legalComments: 'none',
    logLevel: 'warning',
    entryPoints: ['src/exporters/viewer/main.js'],
    outfile: 'dist/flamegraph-viewer.js',
    plugins: [mended],
  });
  const folders = Object.keys(metafile.inputs).map((file) => /^.*node_modules\/(@[^/]+\/)?[^/]+/.exec(file)?.[0]);
  const licenses = [...new Set(folders)]
    .filter((path) => path !== undefined)
    .sort()
    .map(licenseOf);
  await writeFile('dist/flamegraph-viewer.licenses.txt', (await Promise.all(licenses)).join('\n\n'));
}

/** @param {string} folder */
async function licenseOf(folder) {
  const { name, version, license } = JSON.parse(await readFile(`${folder}/package.json`, 'utf8'));
  const file = (await readdir(folder)).find((entry) => /^licen[cs]e/i.test(entry));
  const text = file ? await readFile(`${folder}/${file}`, 'utf8') : '';
  return `${name} ${version} (${license})\n\n${text}`.trim();
}
