import { join } from 'node:path';
import { expect, test } from 'vitest';
import { awaitedText, onlyAwait } from '../../src/async-dump/source-text.ts';
import { tempFolder } from '../support/recording.ts';

/** The place that `@` marks as the only await of the function that begins at `#`. */
test.each([
  ['async function f#(a = ")") { const r = /await[/]/; @await g(); }'],
  ['const f = async #(x) => @await x;'],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: program text
  ['const f = async #(x) => {\n  // await here\n  const t = `await ${@await x}`;\n};\nasync () => await 1;'],
  ['class A { async m#() { this.await = "await"; @await x; } async n() { await y; } }'],
])('%s', (marked) => {
  const text = marked.replace(/[#@]/g, '');
  const place = (mark: string): { line: number; column: number } => {
    const before = marked.slice(0, marked.indexOf(mark)).replace(/[#@]/g, '').split('\n');
    return { line: before.length, column: before.at(-1)!.length + 1 };
  };
  const file = join(tempFolder({ 'a.js': text }), 'a.js');
  const start = place('#');
  expect(onlyAwait(file, start.line, start.column, false)).toEqual(place('@'));
});

test('two awaits, none, or no file: nothing is claimed', () => {
  const file = join(tempFolder({ 'a.js': 'async function f() { await a; await b; }\nasync function g() {}' }), 'a.js');
  expect([onlyAwait(file, 1, 17, false), onlyAwait(file, 2, 17, false), onlyAwait('/no/file.js', 1, 1, false)]).toEqual(
    [null, null, null],
  );
});

test.each([
  ['await fetch(url); next();', 'await fetch(url)'],
  ['await Promise.all([', 'await Promise.all([ …])'],
  ['await (a, b), c', 'await (a, b)'],
  ['for await (const x of y) {', 'for await (const x of y)'],
])('the awaited text of %s', (line, text) => {
  expect(awaitedText(join(tempFolder({ 'a.js': `  ${line}` }), 'a.js'), 1, 3)).toBe(text);
});
