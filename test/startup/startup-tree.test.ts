import { describe, expect, test } from 'vitest';
import type { V8Profile } from '../../src/protocol/measured-startup.ts';
import { startupProfile } from '../../src/startup/startup-profile.ts';
import { startupText } from '../../src/startup/startup-text.ts';
import { startupOf } from '../../src/startup/startup-tree.ts';
import type { StartupModule } from '../../src/startup/types.ts';
import { painter } from '../../src/util/terminal.ts';

/** Stacks from the outside in, with µs: 'x.js' is the top level of a module, 'f!x.js' a function, 'node:x' one of Node's. */
function profileOf(stacks: readonly (readonly [stack: string, us: number])[]): V8Profile {
  const nodes: V8Profile['nodes'] = [];
  const add = (functionName: string, url: string, lineNumber: number): number => {
    nodes.push({
      id: nodes.length + 1,
      callFrame: { functionName, url, lineNumber, columnNumber: lineNumber },
      children: [],
    });
    return nodes.length;
  };
  add('(root)', '', -1);
  const known = new Map<string, number>();
  const samples = stacks.map(([stack]) => {
    let [id, path] = [1, ''];
    for (const part of stack.split(' ')) {
      path += ` ${part}`;
      let next = known.get(path);
      if (next === undefined) {
        const [name = '', file = ''] = part.includes('!') ? part.split('!') : ['', part];
        const isNode = part.startsWith('node:');
        next = add(isNode ? 'load' : name, isNode ? part : `file:///app/${file}`, name === '' && !isNode ? 0 : 7);
        nodes[id - 1]!.children!.push(next);
        known.set(path, next);
      }
      id = next;
    }
    return id;
  });
  return { nodes, samples, timeDeltas: [0, ...stacks.map(([, us]) => us)] };
}

const of = (stacks: readonly (readonly [string, number])[], importedBy: [string, string][] = []) =>
  startupOf({
    profile: profileOf(stacks),
    importedBy: importedBy.map(([one, by]) => [`file:///app/${one}`, `file:///app/${by}`]),
    preload: '/app/preload.cjs',
  });

/** 'file self/total' in ms, indented. */
const lines = (modules: readonly StartupModule[], depth = 0): string[] =>
  modules.flatMap(({ file, selfMs, totalMs, modules: below }) => [
    `${'  '.repeat(depth)}${file.replace('/app/', '')} ${selfMs}/${totalMs}`,
    ...lines(below, depth + 1),
  ]);

describe('the tree', () => {
  test('what runs below the top level of a module is its own, down to the next module', () => {
    const { modules, totalMs } = of([
      ['main.js', 1000],
      ['main.js node:loader', 2000],
      ['main.js node:loader a.js', 3000],
      ['main.js node:loader a.js f!b.js', 4000],
      ['main.js g!main.js node:loader b.js', 5000],
    ]);
    expect(lines(modules)).toEqual(['main.js 3/15', '  a.js 7/7', '  b.js 5/5']);
    expect(totalMs).toBe(15);
  });

  test('what the program does afterwards is none of it, and neither is what measures', () => {
    const { modules } = of([
      ['preload.cjs node:inspector', 500],
      ['main.js', 1000],
      ['f!main.js', 7000],
      ['node:timers f!main.js', 7000],
    ]);
    expect(lines(modules)).toEqual(['main.js 1/1']);
  });

  test('imported modules stand below their importer, also where that has no sample itself', () => {
    const { modules } = of(
      [
        ['c.mjs', 1000],
        ['a.mjs', 2000],
        ['main.mjs', 3000],
      ],
      [
        ['a.mjs', 'main.mjs'],
        ['b.mjs', 'a.mjs'],
        ['c.mjs', 'b.mjs'],
      ],
    );
    expect(lines(modules)).toEqual(['main.mjs 3/6', '  a.mjs 2/3', '    c.mjs 1/1']);
  });

  test('modules that import each other are there once', () => {
    const { modules, totalMs } = of(
      [
        ['a.mjs', 1000],
        ['b.mjs', 2000],
      ],
      [
        ['a.mjs', 'b.mjs'],
        ['b.mjs', 'a.mjs'],
      ],
    );
    expect(lines(modules)).toHaveLength(2);
    expect(totalMs).toBe(3);
  });

  test('a deep chain is no problem, an empty profile neither', () => {
    const chain = Array.from({ length: 3000 }, (_, i) => `m${i}.js`);
    const result = of([[chain.join(' '), 1000]]);
    expect(result.totalMs).toBe(1);
    expect(startupText(result, { paint: painter(false), all: true }).split('\n').length).toBeGreaterThan(3000);
    expect(startupProfile(result, 'x').threads[0]!.frame).toHaveLength(3001);
    expect(startupOf({ profile: { nodes: [] }, importedBy: [], preload: '' })).toEqual({
      totalMs: 0,
      modules: [],
      packages: [],
    });
  });
});

test('packages have their own time, and once what they load', () => {
  const { packages } = of([
    ['main.js', 1000],
    ['main.js node_modules/a/x.js', 2000],
    ['main.js node_modules/a/x.js node_modules/@s/b/y.js', 3000],
    ['main.js node_modules/a/x.js node_modules/@s/b/y.js node_modules/a/z.js', 4000],
  ]);
  expect(packages).toEqual([
    { package: 'a', modules: 2, selfMs: 6, totalMs: 9 },
    { package: '@s/b', modules: 1, selfMs: 3, totalMs: 7 },
    { package: null, modules: 1, selfMs: 1, totalMs: 10 },
  ]);
});

test('small modules are left out of the text unless asked for; names are printed harmlessly', () => {
  const result = of([
    ['main.js', 100_000],
    ['main.js small.js', 10],
    ['main.js evil\u001b[31m.js', 50_000],
  ]);
  const text = startupText(result, { paint: painter(false), all: false });
  expect(text).not.toContain('small.js');
  expect(text).toContain('others that took less: --all');
  expect(text).not.toContain('\u001b');
  expect(startupText(result, { paint: painter(false), all: true })).toContain('small.js');
});
