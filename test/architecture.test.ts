import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

interface Rule {
  /** Folders whose values and types may be imported; the own folder always may. */
  values: readonly string[];
  /** Folders of which only types may be imported (`import type`). */
  types?: readonly string[];
  /** Only Node's built-ins, no npm package. */
  builtinsOnly?: boolean;
}

const UTIL = 'src/util';
const SHARED = [
  'agents/built-in.ts',
  'agents/collection-entries.ts',
  'agents/guard.ts',
  'agents/inspection.ts',
  'agents/primordials.ts',
  'agents/promise-hooks.ts',
  'agents/settings.ts',
  'agents/shared-beats.ts',
  'agents/shared-memory.ts',
  'agents/shared-trace.ts',
  'agents/thread-gate.ts',
  'agents/tracked.ts',
  'agents/waiting.ts',
];
const RECORDING = [UTIL, 'src/recording'];
const MODELS = [...RECORDING, 'src/profile', 'src/heap'];
/** What of it runs in the observed thread. */
const PROBE = ['inventory', 'own-session', 'probe'].map((name) => `src/async-dump/${name}.ts`);
/** What goes over the agent's socket and to its threads. */
const PROTOCOL = 'src/protocol';
const WHY = 'src/why';
const DUMP = [PROTOCOL, 'src/async-dump'];
const JUDGES = [...MODELS, ...DUMP, 'src/detectors', 'src/exporters'];
const VIEWS = [...JUDGES, 'src/leaks', 'src/report', 'src/tui', 'src/attach'];

/** Who may import whom. A folder that is not in this table fails the test: give it a line. */
const IMPORT_TABLE: Record<string, Rule> = {
  'src/util': { values: [] },
  'src/recording': { values: [UTIL] },
  'src/profile': { values: RECORDING },
  'src/heap': { values: RECORDING },
  [PROTOCOL]: { values: RECORDING, builtinsOnly: true },
  'src/async-dump': { values: [...MODELS, PROTOCOL], builtinsOnly: true },
  'src/startup': { values: [...MODELS, PROTOCOL] },
  // What keeps a process alive, in words: the agent prints them too.
  [WHY]: { values: [...RECORDING, PROTOCOL], builtinsOnly: true },
  'src/leaks': { values: [...MODELS, ...DUMP] },
  'src/detectors': { values: MODELS },
  'src/exporters': { values: [...MODELS, PROTOCOL] },
  'src/report': { values: JUDGES },
  // What it shows of a recording is what the report tells.
  'src/tui': { values: [...JUDGES, 'src/report'] },
  'src/attach': { values: [...JUDGES, WHY] },
  'src/lab': { values: [UTIL] },
  // The results of `profile` are written in any format.
  'src/library': { values: [...RECORDING, 'src/profile', 'src/exporters', 'src/async-dump/source-text.ts'] },
  'src/cli': { values: [...VIEWS, 'src/lab', 'src/startup', WHY, 'src/index.ts'] },
  // The library's entry.
  'src/index.ts': { values: [...VIEWS, 'src/library'] },
  'src/recording-api.ts': { values: VIEWS },
  // What the package exports, as one bundle.
  'src/entries.ts': { values: ['src/index.ts', 'src/library', 'src/recording-api.ts'] },
  // Shared by the agent's halves.
  'agents/built-in.ts': { values: ['agents/primordials.ts'], builtinsOnly: true },
  'agents/collection-entries.ts': { values: ['agents/primordials.ts'], builtinsOnly: true },
  'agents/guard.ts': { values: ['agents/primordials.ts'], builtinsOnly: true },
  'agents/inspection.ts': { values: ['agents/primordials.ts'], builtinsOnly: true },
  'agents/primordials.ts': { values: [], types: [PROTOCOL], builtinsOnly: true },
  'agents/promise-hooks.ts': { values: [], builtinsOnly: true },
  'agents/settings.ts': { values: ['src/recording/defaults.ts'], types: ['src/recording'], builtinsOnly: true },
  'agents/shared-beats.ts': { values: ['agents/primordials.ts'], types: ['agents/samplers'], builtinsOnly: true },
  'agents/shared-memory.ts': {
    values: ['agents/primordials.ts'],
    types: ['src/recording'],
    builtinsOnly: true,
  },
  'agents/shared-trace.ts': {
    values: ['agents/primordials.ts', 'src/protocol/async-trace.ts'],
    builtinsOnly: true,
  },
  'agents/thread-gate.ts': { values: ['agents/primordials.ts'], builtinsOnly: true },
  'agents/tracked.ts': { values: [], types: ['agents/shared-memory.ts', 'src/recording'], builtinsOnly: true },
  'agents/waiting.ts': { values: ['agents/primordials.ts'], builtinsOnly: true },
  'agents/samplers': {
    values: [
      'agents/built-in.ts',
      'agents/collection-entries.ts',
      'agents/guard.ts',
      'agents/primordials.ts',
      'agents/waiting.ts',
      UTIL,
    ],
    types: ['src/recording'],
    builtinsOnly: true,
  },
  'agents/agent': {
    values: ['agents/samplers', ...SHARED, UTIL, PROTOCOL, 'src/recording/paths.ts', ...PROBE],
    types: ['src/recording', 'agents/watchdog'],
    builtinsOnly: true,
  },
  'agents/watchdog': {
    values: [...JUDGES, 'src/report', WHY, 'agents/samplers', ...SHARED],
    types: ['agents/agent'],
  },
  // The library's half that hooks into Node, reached from src/library by path (dist/library.cjs).
  'agents/scopes': {
    values: ['agents/agent', 'agents/watchdog', ...SHARED, ...RECORDING, PROTOCOL],
    types: ['src/library'],
  },
  // The preload of `evdiag startup`.
  'agents/startup': { values: ['agents/primordials.ts'], types: [PROTOCOL], builtinsOnly: true },
  scenarios: { values: [], builtinsOnly: true },
  bin: { values: ['src/cli'] },
};

interface Import {
  specifier: string;
  typeOnly: boolean;
}

/** Static, type and dynamic imports, re-exports and `require` with a literal (not in a program text that is put together). */
function importsOf(source: string): Import[] {
  const code = source.replace(/^\s*(?:\/\/|\/?\*).*$/gm, '');
  const statements = code.matchAll(/^\s*(?:import|export)\s+(type\s)?(?:[^'"`;=]*?\sfrom\s+)?['"]([^'"]+)['"]/gm);
  const calls = code.matchAll(/\b(?:import|require)\(\s*['"]([^'"$]+)['"]/g);
  return [
    ...[...statements].map((match) => ({ specifier: match[2]!, typeOnly: match[1] !== undefined })),
    ...[...calls].map((match) => ({ specifier: match[1]!, typeOnly: false })),
  ];
}

function sourceFiles(folder: string): string[] {
  if (!existsSync(join(ROOT, folder))) return [];
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.(ts|mts|mjs|js)$/.test(file))
    .map((file) => join(folder, file).split(sep).join('/'));
}

const under = (file: string, folder: string) => file === folder || file.startsWith(`${folder}/`);
const folderOf = (file: string) => Object.keys(IMPORT_TABLE).find((folder) => under(file, folder));

function checkRelative(file: string, folder: string, rule: Rule, { specifier, typeOnly }: Import): string | null {
  const target = relative(ROOT, join(ROOT, dirname(file), specifier))
    .split(sep)
    .join('/');
  // What the build makes is reached by path; its sources are held by their own lines.
  if (under(target, 'dist') && folder === 'bin') return null;
  const allowed = [folder, ...rule.values];
  if (allowed.some((name) => under(target, name))) return null;
  const types = rule.types ?? [];
  if (types.some((name) => under(target, name))) {
    return typeOnly ? null : `${file} imports a value of '${target}'. Cure: only its types may be used: 'import type'.`;
  }
  if (under(folder, 'src') && under(target, 'agents')) {
    return `${file} imports '${target}'. Cure: src never imports agents: reach it by path (dist/agent.cjs) or by message, or move the shared part to src/recording or src/util.`;
  }
  if (folder === 'scenarios') {
    return `${file} imports '${target}'. Cure: a patient does not know the doctor: use scenarios/ files and node: built-ins only.`;
  }
  const may = [...rule.values, ...types.map((name) => `${name} (types)`)].join(', ') || 'nothing of ours';
  return `${file} imports '${target}'. Cure: ${folder} may import ${may}: move the shared part down to one of these, or pass it in as an argument.`;
}

function check(file: string, found: Import): string | null {
  const folder = folderOf(file);
  if (!folder)
    return `${file} is in no folder of the import table. Cure: add a line to IMPORT_TABLE in test/architecture.test.ts.`;
  const rule = IMPORT_TABLE[folder]!;
  if (found.specifier.startsWith('.')) return checkRelative(file, folder, rule, found);
  if (!rule.builtinsOnly || found.specifier.startsWith('node:')) return null;
  return `${file} imports the package '${found.specifier}'. Cure: ${folder} runs inside other people's programs: use node: built-ins only.`;
}

function importedFiles(file: string): string[] {
  const found = importsOf(readFileSync(join(ROOT, file), 'utf8'));
  return found
    .filter(({ specifier }) => specifier.startsWith('.'))
    .map(({ specifier }) =>
      relative(ROOT, join(ROOT, dirname(file), specifier))
        .split(sep)
        .join('/'),
    );
}

/** Groups of files that reach each other (Tarjan's strongly connected components), each sorted. */
function circles(imports: ReadonlyMap<string, readonly string[]>): string[][] {
  const order = new Map<string, number>();
  const path: string[] = [];
  const found: string[][] = [];
  const visit = (file: string): number => {
    let low = order.size;
    order.set(file, low);
    path.push(file);
    for (const next of imports.get(file) ?? []) {
      if (!imports.has(next)) continue;
      if (!order.has(next)) low = Math.min(low, visit(next));
      else if (path.includes(next)) low = Math.min(low, order.get(next)!);
    }
    if (low === order.get(file)) {
      const group = path.splice(path.indexOf(file));
      if (group.length > 1) found.push(group.sort());
    }
    return low;
  };
  for (const file of imports.keys()) if (!order.has(file)) visit(file);
  return found;
}

/** `/…/.test(error.message)`, `message.includes('…')` and their like. */
const JUDGES_TEXT =
  /\.(test|exec)\([^()]*(\([^()]*\))?\??\.?\bmessage\)|\bmessage\??\.(includes|startsWith|endsWith|match|matchAll|search|indexOf)\(/;

describe('architecture', () => {
  test('every import follows the import table', () => {
    const files = ['src', 'agents', 'scenarios', 'bin'].flatMap(sourceFiles);
    const violations = files.flatMap((file) =>
      importsOf(readFileSync(join(ROOT, file), 'utf8')).map((found) => check(file, found)),
    );
    expect(violations.filter((violation) => violation !== null)).toEqual([]);
  });

  test('no file imports itself by way of others', () => {
    const files = ['src', 'agents', 'bin'].flatMap(sourceFiles);
    const imports = new Map(files.map((file) => [file, importedFiles(file)]));
    expect(circles(imports)).toEqual([]);
  });

  test('nothing is decided by the text of an error', () => {
    const files = ['src', 'agents', 'bin'].flatMap(sourceFiles);
    const found = files.filter((file) => JUDGES_TEXT.test(readFileSync(join(ROOT, file), 'utf8')));
    expect(found, 'Cure: give the error a code (src/util/user-error.ts), or take that of Node.').toEqual([]);
  });

  test.each([
    'if (/too slow/.test(error.message)) leave();',
    "const isGone = error?.message.includes('ended');",
    "switch (true) { case message.startsWith('No '): }",
    'LEFT.exec((error as Error).message)',
  ])('that is seen in %s', (text) => expect(text).toMatch(JUDGES_TEXT));

  test('circles are found, of any length', () => {
    const imports = { a: ['b'], b: ['c', 'd'], c: ['a'], d: ['e'], e: [] };
    expect(circles(new Map(Object.entries(imports)))).toEqual([['a', 'b', 'c']]);
  });

  test('the parser sees static, type, side-effect, re-exporting and dynamic imports, and no comments', () => {
    const source = `
      import a, { b } from './one.ts';
      import type { C } from './two.ts';
      import './three.ts';
      export * from './four.ts';
      export type { D } from './five.ts';
      const six = await import('./six.ts');
      const seven = require('./seven.cjs');
      import {
        e,
        type F,
      } from './eight.ts';
      // import x from './comment.ts';
      const text = 'no import from here';
    `;
    const found = importsOf(source).sort((a, b) => a.specifier.localeCompare(b.specifier));
    expect(found.map(({ specifier, typeOnly }) => `${specifier}${typeOnly ? ' type' : ''}`)).toEqual([
      './eight.ts',
      './five.ts type',
      './four.ts',
      './one.ts',
      './seven.cjs',
      './six.ts',
      './three.ts',
      './two.ts type',
    ]);
  });

  test.each([
    ['src/util/a.ts', '../recording/types.ts', 'nothing of ours'],
    ['src/detectors/a.ts', '../report/text.ts', 'src/detectors may import'],
    ['src/cli/a.ts', '../../agents/agent/agent.ts', 'src never imports agents'],
    ['agents/samplers/a.ts', '../../src/recording/types.ts', "'import type'"],
    ['agents/agent/a.ts', 'fastify', 'node: built-ins only'],
    ['scenarios/a.ts', '../src/util/a.ts', 'does not know the doctor'],
    ['src/unheard-of/a.ts', './b.ts', 'add a line to IMPORT_TABLE'],
  ])('%s → %s is refused with its cure', (file, specifier, cure) => {
    expect(check(file, { specifier, typeOnly: false })).toContain(cure);
  });

  test.each([
    ['agents/samplers/a.ts', '../../src/recording/types.ts', true],
    ['agents/watchdog/a.ts', '../../src/detectors/rules/index.ts', false],
    ['src/cli/a.ts', '../report/text.ts', false],
    ['scenarios/a.ts', './types.ts', false],
    ['bin/evdiag.mjs', '../dist/cli.js', false],
  ])('%s → %s is allowed', (file, specifier, typeOnly) => {
    expect(check(file, { specifier, typeOnly })).toBeNull();
  });
});
