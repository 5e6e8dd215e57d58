import { join } from 'node:path';
import { expect, test } from 'vitest';
import { atAwait, awaitedTexts } from '../../agents/watchdog/source-text.ts';
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

/** `@` marks the place that V8 tells of. */
function awaited(marked: string) {
  const text = marked.replace('@', '');
  const before = marked.slice(0, marked.indexOf('@')).split('\n');
  const file = join(tempFolder({ 'a.js': text }), 'a.js');
  return { file, line: before.length, column: before.at(-1)!.length + 1, function: 'f' };
}

test.each([
  ['const x = (@await lock.acquire()).value; // later', 'lock.acquire()'],
  ['@await fetch("http://host//path"); // await this', 'fetch("http://host//path")'],
  ['for await (const x of @lines) {', 'for await (const x of lines)'],
  ['const { a, b } = @await load({ a, b }), c = 1;', 'load({ a, b })'],
  ['const all = @await Promise.all([', 'Promise.all([ …])'],
  [`${'x();'.repeat(5000)} @await last(); await other();`, 'last()'],
])('what a suspended call awaits in %s', (marked, code) => {
  expect(awaitedTexts(awaited(marked))?.code).toBe(code);
});

test('what the function awaits above is told in its order, and neither what a comment nor what a string says', () => {
  const text = `async function g() { await other(); }
async function f() {
  // await nothing();
  const [a, b] = [await one.lock(), await two.lock()];
  log('await three()', a.await, b);
  @await four.lock();
}`;
  expect(awaitedTexts(awaited(text))).toEqual({
    code: 'four.lock()',
    before: ['one.lock()', 'two.lock()'],
    loop: false,
  });
});

test.each([
  ['  await @fetch(url)', 3],
  ['  const r = (await @fetch(url)).body', 14],
  ['  await a; @fetch(url)', null],
  ["  log('await'); @fetch(url)", null],
  ['  this.await = @fetch(url)', null],
])('the await of the operand that stands at @ in %s', (marked, column) => {
  const place = awaited(marked);
  expect(atAwait(place).column).toBe(column ?? place.column);
});
