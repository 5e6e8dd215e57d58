// Builds everything into dist/: the agent and its watchdog (one CommonJS file each), the library, the CLI, the scenarios.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';
import { buildEntries, writeEntries, writeTypes } from './build-entries.mjs';
import { buildSplit } from './build-split.mjs';
import { buildViewer } from './build-viewer.mjs';

process.chdir(new URL('..', import.meta.url).pathname);
rmSync('dist', { recursive: true, force: true });
const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
/** @satisfies {import('esbuild').BuildOptions} */
const common = {
  bundle: true,
  platform: 'node',
  target: 'node20.11',
  logLevel: 'warning',
  define: { EVDIAG_VERSION: JSON.stringify(version) },
};
/**
 * Loaded while it is there, it returns; one that has left has emptied the object: AGENT_NAME of src/protocol/thread-api.ts.
 * In neither case does Node keep it among the loaded modules: the next load would do nothing then.
 */
const RETURN_IF_THERE = `if (typeof evdiagAgent !== "undefined" && evdiagAgent.stack) {
  delete require.cache[__filename];
  var evdiagPaths = require("node:module")._pathCache;
  for (var evdiagPath in evdiagPaths) if (evdiagPaths[evdiagPath] === __filename) delete evdiagPaths[evdiagPath];
  return;
}`;
const scenarios = readdirSync('scenarios').filter((f) => f.endsWith('.ts') && !/^(types|index|support)\.ts$/.test(f));

await Promise.all([
  buildViewer(),
  buildSplit({
    ...common,
    format: 'cjs',
    entryPoints: ['agents/agent/agent.ts'],
    outfile: 'dist/agent.cjs',
    banner: { js: `"use strict";\n${RETURN_IF_THERE}` },
    // No minifySyntax: it drops the names of functions, by which profiles recognise functions that only pass on (`markedCall`).
  }),
  buildSplit({
    ...common,
    format: 'cjs',
    entryPoints: ['agents/watchdog/watchdog.ts'],
    outfile: 'dist/watchdog.cjs',
    minifySyntax: true,
  }),
  build({
    ...common,
    format: 'cjs',
    entryPoints: {
      library: 'agents/scopes/library.ts',
      'stall-watch': 'agents/scopes/stall-watch.ts',
      startup: 'agents/startup/startup.ts',
      'heap-worker': 'src/heap/heap-worker.ts',
      'lab-programs': 'src/lab/programs/main.ts',
      'clinic-judge': 'src/cli/second-opinion/judge-child.ts',
      'close-inspector': 'src/attach/inspector/close-inspector.ts',
    },
    outdir: 'dist',
    outExtension: { '.js': '.cjs' },
    minifySyntax: true,
  }),
  buildEntries(common),
  build({
    ...common,
    format: 'esm',
    packages: 'external',
    entryPoints: { cli: 'src/cli/main.ts' },
    outdir: 'dist',
    splitting: true,
    chunkNames: 'chunks/[name]-[hash]',
  }),
  build({
    ...common,
    format: 'esm',
    packages: 'external',
    entryPoints: [...scenarios, 'index.ts'].map((f) => `scenarios/${f}`),
    outdir: 'dist/scenarios',
    sourcemap: true,
    splitting: false,
  }),
]);
writeEntries();
writeFileSync(
  'dist/agent.mjs',
  "import { createRequire } from 'node:module';\n\ncreateRequire(import.meta.url)('./agent.cjs');\n",
);
writeTypes();
