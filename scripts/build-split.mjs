// Bundles code into one CommonJS file of which only a part is compiled when it is loaded.
import { writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { build } from 'esbuild';

/** @typedef {Omit<import('esbuild').BuildOptions, 'entryPoints' | 'outfile' | 'banner'>} Common */

/** Names by which the two parts of a bundle refer to each other's modules; they are not in the file. */
const LATER = 'evdiag-later:';
const KEPT_OF_OBJECT =
  /(?<==)Object\.(?=(create|defineProperty|getOwnPropertyDescriptor|getOwnPropertyNames|getPrototypeOf|prototype)\b)/g;
const CORE = 'evdiag-core:';

/**
 * What the sources load by `require('./file.ts')`, when they need it, becomes a text in the bundle. It is compiled with
 * the first of these calls: V8 passes over a text much faster than over code. In one file, nothing has to be found
 * later, when the program may have changed its folder, its permissions, or its `require`. Modules that both
 * parts import belong to the first, and are there once.
 *
 * @param {Common & { entryPoints: [string], outfile: string, banner?: { js: string } }} options
 */
export async function buildSplit(options) {
  const { entryPoints, outfile, banner, ...common } = options;
  const entry = entryPoints[0];
  const first = await bundleCore(common, entry, '');
  if (first.later.size === 0) throw new Error(`${entry} loads nothing later`);
  const { text, wanted } = await bundleLater(common, first.later, first.inputs);
  const core = await bundleCore(common, entry, sharedModules(wanted));
  writeFileSync(
    outfile,
    `${banner?.js ?? ''}\n${core.text}`.replace("'evdiag-later-text'", () => quoted(text)),
  );
}

/**
 * As a literal with few escapes: V8 reads what has none much faster.
 *
 * @param {string} text
 */
function quoted(text) {
  return `'${text.replaceAll(/['\\]/g, '\\$&').replaceAll('\n', '\\n')}'`;
}

/**
 * The part that is compiled at once, and the modules that it loads later.
 *
 * @param {Common} common
 * @param {string} entry
 * @param {string} shared
 */
async function bundleCore(common, entry, shared) {
  /** @type {Set<string>} */
  const later = new Set();
  /** @type {import('esbuild').Plugin} */
  const cut = {
    name: 'later',
    setup({ onResolve }) {
      onResolve({ filter: /\.ts$/ }, ({ kind, path, resolveDir }) => {
        if (kind !== 'require-call') return undefined;
        const file = relative('.', join(resolveDir, path));
        later.add(file);
        return { path: `${LATER}${file}`, external: true };
      });
    },
  };
  /** @type {import('esbuild').Plugin} */
  const handOn = {
    name: 'shared',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^evdiag-shared$/ }, () => ({ path: 'shared', namespace: 'evdiag' }));
      onLoad({ filter: /^shared$/, namespace: 'evdiag' }, () => ({ contents: shared, resolveDir: '.' }));
    },
  };
  // First what is handed on: it is complete when the agent begins.
  const stdin = {
    contents: `import 'evdiag-shared';\nimport './${entry}';\n`,
    resolveDir: '.',
    sourcefile: 'entry.js',
  };
  const plugins = [cut, handOn];
  const { outputFiles, metafile } = await build({ ...common, stdin, write: false, metafile: true, plugins });
  const text = textOf(outputFiles)
    .replaceAll(`require("${LATER}`, 'evdiagLater("')
    .replaceAll(/__toESM\((require\("node:[\w/]+"\)), 1\)/g, 'evdiagDefault($1)');
  return { later, inputs: new Set(Object.keys(metafile?.inputs ?? {})), text: `${LOADER}${text}` };
}

/**
 * The other part: a function's body, to which the modules of the first are given.
 *
 * @param {Common} common
 * @param {Set<string>} files
 * @param {Set<string>} coreInputs
 */
async function bundleLater(common, files, coreInputs) {
  /** @type {Set<string>} */
  const wanted = new Set();
  /** @type {import('esbuild').Plugin} */
  const keep = {
    name: 'core',
    setup({ onResolve }) {
      onResolve({ filter: /\.ts$/ }, ({ path, resolveDir, kind }) => {
        const file = relative('.', join(resolveDir, path));
        if (kind === 'entry-point' || !coreInputs.has(file)) return undefined;
        wanted.add(file);
        return { path: `${CORE}${file}`, external: true };
      });
    },
  };
  const contents = [...files]
    .map((file) => `exports[${JSON.stringify(file)}] = () => require('./${file}');`)
    .join('\n');
  const stdin = { contents, resolveDir: '.', sourcefile: 'evdiag-later.js' };
  const plugins = [keep];
  const { outputFiles } = await build({ ...common, stdin, write: false, plugins, minifyWhitespace: true });
  const text = textOf(outputFiles)
    .replaceAll(`require("${CORE}`, 'evdiagCore("')
    // Where modules, and esbuild's own functions, take built-ins as they are loaded: the program may have replaced Object by then.
    .replaceAll(KEPT_OF_OBJECT, 'evdiagObject.');
  return { text: `"use strict";\n${text}`, wanted };
}

/** @param {import('esbuild').OutputFile[] | undefined} files */
function textOf(files) {
  if (!files?.[0]) throw new Error('esbuild wrote nothing');
  return files[0].text;
}

/**
 * Plain objects, whose fields V8 reads faster than what esbuild makes for a module: no module of the agent changes what it exports.
 *
 * @param {Set<string>} files
 */
function sharedModules(files) {
  const names = [...files];
  const imports = names.map((file, i) => `import * as shared${i} from './${file}';`);
  const table = names.map((file, i) => `  ${JSON.stringify(file)}: { ...shared${i} },`);
  return `${imports.join('\n')}\nevdiagShared = {\n${table.join('\n')}\n};`;
}

/**
 * `vm` and functions of `Object` are kept from before the program could replace them, and Node's modules come by a way that hooks of `require` are
 * not on. If a module fails while it is loaded, as on a full stack, none of them is used again: another attempt starts from the beginning. `evdiagDefault` replaces esbuild's wrapper of a built-in module that has its own name,
 * which makes a function for each of its properties.
 */
const LOADER = `var evdiagShared;
var evdiagModules = null;
var evdiagCompile = require('node:vm').compileFunction;
var evdiagGet = process.getBuiltinModule;
var evdiagObject = {
  create: Object.create,
  defineProperty: Object.defineProperty,
  getOwnPropertyDescriptor: Object.getOwnPropertyDescriptor,
  getOwnPropertyNames: Object.getOwnPropertyNames,
  getPrototypeOf: Object.getPrototypeOf,
  prototype: Object.prototype,
};
function evdiagCore(file) {
  return evdiagShared[file];
}
function evdiagRequire(name) {
  return (evdiagGet && evdiagGet(name)) || require(name);
}
function evdiagLater(file) {
  var modules = evdiagModules;
  if (modules === null) {
    modules = {};
    evdiagCompile('evdiag-later-text', ['exports', 'require', 'evdiagCore', '__filename', '__dirname', 'evdiagObject'], { filename: __filename })(
      modules, evdiagRequire, evdiagCore, __filename, __dirname, evdiagObject,
    );
  }
  evdiagModules = null;
  var loaded = modules[file]();
  evdiagModules = modules;
  return loaded;
}
function evdiagDefault(module) {
  return { __proto__: module, default: module };
}
`;
