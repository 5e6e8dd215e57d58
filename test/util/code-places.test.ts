import { describe, expect, test } from 'vitest';
import { definedBefore, defines, evalPlace, isInNoFile, nameAt, withoutCode } from '../../src/util/code-places.ts';

describe('code that eval made is at the call of eval', () => {
  test.each([
    ['eval at render (/srv/app.js:36:10)', '/srv/app.js', 36, 10],
    ['eval at inner (eval at outer (file:///srv/a%20b.mjs:3:4), <anonymous>:1:1)', 'file:///srv/a%20b.mjs', 3, 4],
    ['eval at <anonymous> (C:\\srv\\app.js:2:1)', 'C:\\srv\\app.js', 2, 1],
  ])('%s', (url, file, line, column) => expect(evalPlace(url)).toEqual({ url: file, line, column }));

  test.each([
    ['eval at run (evalmachine.<anonymous>:1:20)', 'evalmachine.<anonymous>', 1, 20],
    ['eval at inner (eval at run (rule-17.js:2:9), <anonymous>:1:1)', 'rule-17.js', 2, 9],
    ['eval at load (evalmachine.<anonymous>:4:1)', 'evalmachine.<anonymous>', 4, 1],
  ])('which node:vm compiled: %s', (url, file, line, column) =>
    expect(evalPlace(url)).toEqual({ url: file, line, column }),
  );

  test.each(['/srv/app.js', 'eval at x (unknown location)', 'node:fs', ''])('not: %s', (url) =>
    expect(evalPlace(url)).toBeNull(),
  );
});

test.each([
  ['evalmachine.<anonymous>', true],
  ['vm:module(3)', true],
  ['eval at x (unknown location)', true],
  ['rule-17.js', false],
  ['[eval]', false],
  ['/srv/evalmachine.<anonymous>/app.js', false],
  ['', false],
])('%s is code in no file: %s', (url, is) => expect(isInNoFile(url)).toBe(is));

test('a URL that holds code is shown without it', () => {
  expect(withoutCode(`data:text/javascript,${'x'.repeat(500)}`)).toBe('data:text/javascript,…');
  expect(withoutCode('data:text/javascript;base64,Zm9v')).toBe('data:text/javascript;base64,…');
  expect(withoutCode('/srv/data:app,js')).toBe('/srv/data:app,js');
});

describe('the name of a function in the text of its source', () => {
  test.each([
    ['function burnCpu(ms) {', 0, 'burnCpu'],
    ['export async function* pages(url) {', 7, 'pages'],
    ['export function warn(error: unknown): void {', 0, 'warn'],
    ['export default async function main() {', 0, 'main'],
    ['const arrowWork = (ms) => burn(ms);', 18, 'arrowWork'],
    ['const arrowWork = (ms) => burn(ms);', 19, 'arrowWork'],
    ['const later = async (ms) => burn(ms);', 14, 'later'],
    ['const expr = function (ms) {};', 13, 'expr'],
    ['  runIt(x) { return 1; }', 2, 'runIt'],
    ['  async later(c) {}', 2, 'later'],
    ['  #priv(z) {}', 2, '#priv'],
    ['const o = { prop: (b) => b };', 18, 'prop'],
    ['list.map((q) => q.a);', 9, null],
    ['setTimeout(function () {', 11, null],
    ['', 0, null],
  ])('%s, column %i: %s', (text, column, name) => expect(nameAt(text, column)).toBe(name));
});

test('where a function of a name is defined last before a place', () => {
  const text = 'function ab(x){}var c=ab(1),d=async e=>e+1;xab=2;function ab(y){return y}d=function(z){};ab=1;END';
  const before = (name: string, place: string) => {
    const at = definedBefore(text, name, text.indexOf(place));
    return at === null ? null : text.slice(at, at + 3);
  };
  expect(before('ab', 'return')).toBe('(y)');
  expect(before('ab', 'var')).toBe('(x)');
  expect(before('d', '+1')).toBe('e=>');
  expect(before('d', 'END')).toBe('(z)');
  expect(before('ab', 'END'), 'a value that is no function defines none').toBe('(y)');
  expect(before('nn', 'END')).toBeNull();
});

test('whether a line may define a function', () => {
  const lines = ['function ab(x) {', 'const ab = 1;', 'ab: (x) => x', 'ab<T>(x: T) {'];
  expect(lines.filter((line) => defines(line, 'ab'))).toEqual(lines);
  expect(['if (x == ab) {', 'tab(x)', 'ab == 1', 'use(ab, 1)'].filter((line) => defines(line, 'ab'))).toEqual([]);
});
