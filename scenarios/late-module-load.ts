import { mkdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Route, runIfMain, slowestPing, withServer, withTempDir } from './support.ts';
import type { Headline, Scenario } from './types.ts';

const REQUESTS = 4;
/** Together about 250 ms to load: groups of modules, each of them a table such as one language's texts. */
const GROUPS = 20;
const MODULES = 15;
const TEXTS = 300;

function loadOnRequest(require: NodeJS.Require, plugin: string): string {
  const { size } = require(plugin) as { size: number }; // guilty
  return String(size);
}

/** At start-up, before anyone waits, and file by file, so that even then timers and signals get their turn. */
async function loadAtStart(require: NodeJS.Require, plugin: string): Promise<void> {
  for (let group = 0; group < GROUPS; group++) {
    for (let i = 0; i < MODULES; i++) {
      require(`${plugin}/group-${group}/module-${i}.js`);
      await nextTurn();
    }
    require(`${plugin}/group-${group}/index.js`);
    await nextTurn();
  }
  require(plugin);
}

/** A fresh package for every request, in node_modules as plug-ins and their dependencies are. */
async function writePlugin(root: string): Promise<void> {
  const index = (names: string[]) =>
    `module.exports = { size: [${names.map((name) => `require('${name}')`)}].length };\n`;
  const numbered = (name: string, count: number) => Array.from({ length: count }, (_, i) => `./${name}-${i}`);
  for (const group of numbered('group', GROUPS)) {
    const dir = join(root, group);
    await mkdir(dir, { recursive: true });
    const modules = numbered('module', MODULES);
    for (const [i, name] of modules.entries()) await writeFile(join(dir, `${name}.js`), tableModule(i));
    await writeFile(join(dir, 'index.js'), index(modules));
  }
  await writeFile(join(root, 'index.js'), index(numbered('group', GROUPS)));
}

function tableModule(seed: number): string {
  const rows = Array.from(
    { length: TEXTS },
    (_, i) => `  text_${i}: { id: ${seed * i}, text: 'text ${i} of ${seed}' },`,
  );
  return `'use strict';\nmodule.exports = {\n${rows.join('\n')}\n};\n`;
}

async function serve(atStart: boolean): Promise<Headline> {
  return withTempDir(async (dir) => {
    const require = createRequire(join(dir, 'app.js'));
    const plugins = Array.from({ length: REQUESTS }, (_, i) => `plugin-${i}`);
    for (const plugin of plugins) {
      await writePlugin(join(dir, 'node_modules', plugin));
      if (atStart) await loadAtStart(require, plugin);
    }
    let requests = 0;
    const usePlugin: Route = () => loadOnRequest(require, plugins[requests++]!);
    return withServer({ '/plugin': usePlugin }, async (get) => ({
      what: `the slowest /ping beside ${REQUESTS} first uses of a plug-in`,
      value: await slowestPing(get, '/plugin', REQUESTS),
      unit: 'ms',
    }));
  });
}

export const lateModuleLoad: Scenario = {
  id: 'late-module-load',
  title: 'A heavy module tree is loaded by a request',
  description:
    'require reads, compiles and runs hundreds of files synchronously; inside a request everyone waits for it.',
  expect: [{ rule: 'blocked-event-loop', kind: 'module-load' }],
  broken: () => serve(false),
  fixed: () => serve(true),
};

runIfMain(import.meta.url, lateModuleLoad);
