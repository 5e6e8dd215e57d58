import { expect, test } from 'vitest';
import { withStringCall } from '../../agents/watchdog/stall/string-calls.ts';
import type { Frame } from '../../src/recording/types.ts';

const FILE = '/srv/app.js';
const sort: Frame = { function: 'Array.sort', file: '', line: 0, column: 0, category: 'native' };

/** The stack at `¦` in the text, below it `caller`. */
function stackIn(text: string, caller: Frame = sort, fields: Partial<Frame> = {}): [Frame[], string[]] {
  const before = text.slice(0, text.indexOf('¦')).split('\n');
  const callback: Frame = {
    function: '',
    file: FILE,
    line: before.length,
    column: before.at(-1)!.length + 1,
    category: 'application',
    ...fields,
  };
  return [[callback, caller], text.replace('¦', '').split('\n')];
}

function told(text: string, caller?: Frame, fields?: Partial<Frame>) {
  const [frames, lines] = stackIn(text, caller, fields);
  const [call, place] = withStringCall(frames, (file) => (file === FILE ? lines : null));
  return call === frames[0] ? null : [call!.function, place!.line, place!.column];
}

test.each([
  ['an arrow', 'rows.sort(¦(a, b) => a.n.localeCompare(b.n));', ['String.localeCompare', 1, 25]],
  ['one argument', 'rows.map(¦row => row.toLocaleUpperCase("tr"))', ['String.toLocaleUpperCase', 1, 21]],
  ['a function', 'rows.sort(¦function (a, b) { return a.localeCompare(b); })', ['String.localeCompare', 1, 38]],
  [
    'a function with a name and several lines',
    'function byName¦(a, b) {\n  const { n } = a;\n  return n.localeCompare(b.n, "de");\n}\n',
    ['String.localeCompare', 3, 12],
  ],
  ['the second of two keys', 'rows.sort(¦(a, b) => a.n - b.n || a.s.normalize() > b.s)', ['String.normalize', 1, 38]],
])('a short callback of a built-in is told as the call in it: %s', (_what, text, call) => {
  expect(told(text)).toEqual(call);
});

const long = '  sum += a.n;\n'.repeat(9);
test.each([
  ['without such a call', 'rows.sort(¦(a, b) => a.n - b.n);'],
  ['with the call behind it', 'rows.sort(¦(a, b) => a.n - b.n).map((s) => s.localeCompare(t));'],
  ['with the call beside it', 'use(¦(a) => a.n, s.localeCompare(t));'],
  ['with a loop', 'rows.sort(¦(a, b) => { for (const c of a) count(c); return a.localeCompare(b); })'],
  ['that is long', `rows.sort(¦(a, b) => {\n${long}  return a.localeCompare(b);\n});`],
  ['that is interrupted elsewhere', 'rows.sort((a, b) => { count¦.up(); return a.localeCompare(b); });'],
])('a callback %s is told as itself', (_what, text) => {
  expect(told(text)).toBeNull();
});

test('so is a function that no built-in calls, one of a package, and one without its source', () => {
  const text = 'rows.sort(¦(a, b) => a.localeCompare(b));';
  expect(told(text, { ...sort, file: FILE, category: 'application' })).toBeNull();
  expect(told(text, sort, { category: 'dependency' })).toBeNull();
  expect(told(text, sort, { file: '/srv/other.js' })).toBeNull();
});
