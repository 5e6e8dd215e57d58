// Builds everything into dist/: the agent and its watchdog (one CommonJS file each), the library, the CLI, the scenarios.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { build } from 'esbuild';
import { buildViewer } from './build-viewer.mjs';

process.chdir(new URL('..', import.meta.url).pathname);
rmSync('dist', { recursive: true, force: true });
const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
const common = {
  bundle: true,
  platform: 'node',
  target: 'node20.11',
  logLevel: 'warning',
  define: { EVDIAG_VERSION: JSON.stringify(version) },
};
const scenarios = readdirSync('scenarios').filter((f) => f.endsWith('.ts') && !/^(types|index|support)\.ts$/.test(f));

await Promise.all([
  buildViewer(),
  build({
    ...common,
    format: 'cjs',
    entryPoints: ['agents/agent/agent.ts'],
    outfile: 'dist/agent.cjs',
    minifySyntax: true,
  }),
  build({
    ...common,
    format: 'cjs',
    entryPoints: ['agents/watchdog/watchdog.ts'],
    outfile: 'dist/watchdog.cjs',
    minifySyntax: true,
  }),
  build({
    ...common,
    format: 'cjs',
    entryPoints: { library: 'agents/library/library.ts', 'block-watch': 'agents/library/block-watch.ts' },
    outdir: 'dist',
    outExtension: { '.js': '.cjs' },
    minifySyntax: true,
  }),
  build({
    ...common,
    format: 'esm',
    packages: 'external',
    entryPoints: { index: 'src/index.ts', cli: 'src/cli/main.ts', vitest: 'src/library/vitest.ts' },
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
writeFileSync(
  'dist/agent.mjs',
  "import { createRequire } from 'node:module';\n\ncreateRequire(import.meta.url)('./agent.cjs');\n",
);
const tsc = createRequire(import.meta.url)
  .resolve('typescript/package.json')
  .replace('package.json', 'bin/tsc');
execFileSync(process.execPath, [tsc, '-p', 'tsconfig.types.json'], { stdio: 'inherit' });
