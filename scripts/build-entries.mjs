// What `import` and `require` of evdiag find: one CommonJS bundle, thin entries on it, and one copy of the types.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { build } from 'esbuild';

const require = createRequire(import.meta.url);

/** If a bundler of the program includes this file, its output may have no `__filename`. */
const FILE_URL =
  "const evdiagUrl = require('node:url').pathToFileURL(typeof __filename === 'string' ? __filename : process.cwd() + '/-').href;";

/** @param {import('esbuild').BuildOptions} common */
export function buildEntries(common) {
  return build({
    ...common,
    format: 'cjs',
    packages: 'external',
    entryPoints: { evdiag: 'src/entries.ts' },
    outdir: 'dist',
    outExtension: { '.js': '.cjs' },
    define: { ...common.define, 'import.meta.url': 'evdiagUrl' },
    banner: { js: FILE_URL },
  });
}

/**
 * The ES modules load the bundle by a `require` that no bundler follows: it needs its files beside it, and a bundle of
 * CommonJS within an ES module has no `require`. From a bundle of the program's, the installed package is loaded.
 */
const ES_MODULE = `import { createRequire } from 'node:module';

const load = createRequire(import.meta.url ?? (typeof __filename === 'string' ? __filename : \`\${process.cwd()}/-\`));

function loadEntries() {
  try {
    return load('./evdiag.cjs');
  } catch (error) {
    if (error.code !== 'MODULE_NOT_FOUND' || !String(error.message).includes('./evdiag.cjs')) throw error;
    return load(load.resolve('evdiag/package.json').replace(/package\\.json$/, 'dist/evdiag.cjs'));
  }
}
`;

export function writeEntries() {
  // By a variable: the type check must not read the bundle.
  const bundle = '../dist/evdiag.cjs';
  const { library, recording, vitest, jest, mocha, nodeTest } = require(bundle);
  /** @param {object} exported */
  const names = (exported) => `{ ${Object.keys(exported).sort().join(', ')} }`;
  for (const [file, name, exported] of [
    ['index', 'library', library],
    ['recording', 'recording', recording],
    ['mocha', 'mocha', mocha],
  ]) {
    writeFileSync(`dist/${file}.cjs`, `module.exports = { ...require('./evdiag.cjs').${name} };\n`);
    writeFileSync(`dist/${file}.js`, `${ES_MODULE}\nexport const ${names(exported)} = loadEntries().${name};\n`);
  }
  // Loading them is all that a project does.
  for (const [file, name, exported, install] of [
    ['jest', 'jest', jest, 'installJest(globalThis)'],
    ['node-test', 'nodeTest', nodeTest, 'installNodeTest()'],
  ]) {
    writeFileSync(
      `dist/${file}.cjs`,
      `const entries = require('./evdiag.cjs');\n\nentries.${install};\nmodule.exports = { ...entries.${name} };\n`,
    );
    writeFileSync(
      `dist/${file}.js`,
      `${ES_MODULE}\nconst entries = loadEntries();\n\nentries.${install};\nexport const ${names(exported)} = entries.${name};\n`,
    );
  }
  writeFileSync(
    'dist/vitest.cjs',
    `const { vitest, install } = require('./evdiag.cjs');

// In a process of tests. There vitest cannot be required, but is here.
if (globalThis.__vitest_worker__) {
  const loaded = globalThis.__vitest_index__;
  if (loaded) install(loaded);
  else import('vitest').then(install);
}
module.exports = { ...vitest };
`,
  );
  writeFileSync(
    'dist/vitest.js',
    `${ES_MODULE}
const { vitest, install } = loadEntries();

// In a process of tests, and not that of vitest's configuration.
if (globalThis.__vitest_worker__) install(await import('vitest'));
export const ${names(vitest)} = vitest;
`,
  );
}

/** Types for both: declarations of CommonJS modules, which ES modules may import as well. */
export function writeTypes() {
  const tsc = require.resolve('typescript/package.json').replace('package.json', 'bin/tsc');
  execFileSync(process.execPath, [tsc, '-p', 'tsconfig.types.json'], { stdio: 'inherit' });
  for (const name of readdirSync('dist/types', { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.d.ts')) continue;
    const file = join('dist/types', name);
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, text.replace(/((?:from|import)\s*\(?\s*'\.[^']*)\.ts'/g, "$1.cjs'"));
    renameSync(file, file.replace(/\.ts$/, '.cts'));
  }
  for (const extension of ['d.ts', 'd.cts']) {
    writeFileSync(`dist/index.${extension}`, "export * from './types/index.cjs';\n");
    writeFileSync(`dist/recording.${extension}`, "export * from './types/recording-api.cjs';\n");
    for (const runner of ['jest', 'mocha', 'node-test'])
      writeFileSync(`dist/${runner}.${extension}`, `export * from './types/library/runners/${runner}.cjs';\n`);
    writeFileSync(`dist/vitest.${extension}`, "export * from './types/library/vitest.cjs';\n");
  }
  // For the type check of bin/, which must not read the bundle.
  writeFileSync('dist/cli.d.ts', 'export declare function main(argv: string[]): Promise<number>;\n');
  for (const extension of ['d.mts', 'd.cts']) writeFileSync(`dist/agent.${extension}`, 'export {};\n');
}
