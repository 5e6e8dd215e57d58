import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { describe, expect, test } from 'vitest';
import { createFrameMapper } from '../../src/recording/source-maps.ts';
import { tempFolder } from '../support/recording.ts';

const SOURCE = 'interface A {}\ntype B = A;\n\nexport function work(): number {\n  return Date.now(); // here\n}\n';

/** A bundle of SOURCE and the generated position of `Date.now`, 1-based. */
async function bundle(sourcemap: 'inline' | 'linked' | 'external', generated = 'dist/app.js') {
  const folder = tempFolder({ 'src/work.ts': SOURCE });
  const outfile = join(folder, generated);
  await build({ entryPoints: [join(folder, 'src/work.ts')], outfile, sourcemap, format: 'esm', logLevel: 'silent' });

  const lines = readFileSync(outfile, 'utf8').split('\n');
  const line = lines.findIndex((text) => text.includes('Date.now'));
  return { folder, outfile, line: line + 1, column: lines[line]!.indexOf('Date.now') + 1 };
}

describe('a position is that of the original', () => {
  test.each(['inline', 'linked'] as const)('with a map that is %s', async (kind) => {
    const { folder, outfile, line, column } = await bundle(kind);
    const original = { file: join(folder, 'src/work.ts'), line: 5, function: 'work', category: 'application' };
    const toFrame = createFrameMapper();
    expect(toFrame(['work', outfile, line, column])).toMatchObject(original);
    expect(toFrame(['work', pathToFileURL(outfile).href, line, column])).toMatchObject(original);
  });

  test('with spaces and letters beyond ASCII in the path', async () => {
    const { folder, outfile, line, column } = await bundle('linked', 'dïst ä/my app.js');
    const frame = createFrameMapper()(['work', pathToFileURL(outfile).href, line, column]);
    expect(frame).toMatchObject({ file: join(folder, 'src/work.ts'), line: 5 });
  });
});

test('code that node:vm compiled without a file name counts as a package, whose caller is the place', () => {
  const toFrame = createFrameMapper();
  const compiled = { file: 'evalmachine.<anonymous>', line: 3, category: 'dependency' };
  expect(toFrame(['rule', 'evalmachine.<anonymous>', 3, 7])).toMatchObject(compiled);
  expect(toFrame(['inner', 'eval at rule (evalmachine.<anonymous>:3:7)', 1, 9])).toMatchObject(compiled);
  expect(toFrame(['rule', 'rule-17.js', 3, 7])).toMatchObject({ file: 'rule-17.js', category: 'application' });
});

describe('a name that a minifier made gives way', () => {
  const source = `import { add } from './add';
export function total(rows: number[]): number {
  return rows.reduce((sum, row) => add(sum, row), 0);
}
const twice = (row: number): number => row * 2;
export class Rule { check = () => twice(Date.now()); }
console.log(total, new Rule());
`;
  /** Frames of a minified bundle of two files, as they are where a stack was only written down: without a start. */
  async function minified() {
    const add = 'export function add(a: number, b: number): number {\n  return Date.parse("") + a + b;\n}\n';
    const folder = tempFolder({ 'src/app.ts': source, 'src/add.ts': add });
    const outfile = join(folder, 'app.js');
    await build({
      entryPoints: [join(folder, 'src/app.ts')],
      outfile,
      bundle: true,
      minify: true,
      format: 'esm',
      sourcemap: 'linked',
      logLevel: 'silent',
      // Or it would be inlined.
      minifySyntax: false,
    });
    const text = readFileSync(outfile, 'utf8');
    const at = (what: string) => text.indexOf(what) + 1;
    return { folder, outfile, text, at };
  }
  const nameOf = (text: string, pattern: RegExp): string => pattern.exec(text)![1]!;

  test('to the name of the function in the source', async () => {
    const { folder, outfile, text, at } = await minified();
    const toFrame = createFrameMapper();
    const add = nameOf(text, /function (\w+)\(\w+,\w+\)\{return Date\.parse/);
    const total = nameOf(text, /function (\w+)\(\w+\)\{return \w+\.reduce/);
    const twice = nameOf(text, /(\w+)=\w+=>\w+\*2/);
    expect([add, total, twice].every((name) => name.length <= 3)).toBe(true);
    expect(toFrame([add, outfile, 1, at('Date.parse')])).toMatchObject({
      function: 'add',
      file: join(folder, 'src/add.ts'),
      line: 2,
    });
    expect(toFrame([total, outfile, 1, at('.reduce')])).toMatchObject({ function: 'total', line: 3 });
    expect(toFrame([twice, outfile, 1, at('*2')])).toMatchObject({ function: 'twice', line: 5 });
  });

  test('to none, where nothing in the source is called so', async () => {
    const { outfile, at } = await minified();
    const toFrame = createFrameMapper();
    expect(toFrame(['Zq', outfile, 1, at('.reduce')])).toMatchObject({ function: '', line: 3 });
    expect(toFrame(['add', outfile, 1, at('Date.parse')]), 'a name of the source').toMatchObject({ function: 'add' });
  });
});

describe('the generated position stands', () => {
  const map = (json: string) => `data:application/json;base64,${Buffer.from(json).toString('base64')}`;
  test.each([
    ['without a map', 'work();\n'],
    ['with a map that is not there', 'work();\n//# sourceMappingURL=gone.js.map\n'],
    ['with a map that is no JSON', `work();\n//# sourceMappingURL=${map('{"version":')}\n`],
    ['with a map of another version', `work();\n//# sourceMappingURL=${map('{"version":9}')}\n`],
    ['with a map on the network', 'work();\n//# sourceMappingURL=https://host.test/app.js.map\n'],
    ['with broken percent signs', 'work();\n//# sourceMappingURL=%E0%A4%A\n'],
    ['with the comment in a string only', "const a = '//# sourceMappingURL=';\n"],
  ])('%s', (_, text) => {
    const file = join(tempFolder({ 'app.js': text }), 'app.js');
    expect(createFrameMapper()(['work', file, 1, 1])).toEqual({
      function: 'work',
      file,
      line: 1,
      column: 1,
      category: 'application',
    });
  });

  test.each([
    ['a file that is gone', '/no/such/file.js'],
    ['evaluated code', 'evalmachine.<anonymous>'],
    ['a data: URL', 'data:text/javascript,work()'],
    ['a wasm module', 'wasm://wasm/8084233a'],
    ['a broken file: URL', 'file://host/%zz'],
  ])('for %s', (_, url) => {
    expect(createFrameMapper()(['work', url, 3, 4])).toMatchObject({ line: 3, column: 4, function: 'work' });
  });
});

describe('the category', () => {
  test.each([
    ['node', 'node:fs'],
    ['node', 'node:internal/modules/cjs/loader'],
    ['dependency', '/app/node_modules/express/lib/router.js'],
    ['dependency', 'file:///app/node_modules/express/lib/router.js'],
    ['dependency', 'C:\\app\\node_modules\\express\\index.js'],
    ['application', '/app/src/my_node_modules.js'],
    ['native', null],
  ])('%s: %s', (category, url) => {
    expect(createFrameMapper()(['work', url, 1, 1]).category).toBe(category);
  });
});
