import { join } from 'node:path';
import { expect, test } from 'vitest';
import { keepingLine } from '../../agents/watchdog/deep-sample/keeping-line.ts';
import { tempFolder } from '../support/recording.ts';

const SOURCE = `function remember(url, page) {
  const text = render(page);
  if (text === 'pages.set(url)') return; // pages.set(url)
  pages.set(url, text);
}
const several = (list) => {
  first.push(list);
  second.push(list);
};
function makes(rows) {
  let sum = 0;
  return rows.map((row) => ({ row, sum }));
}
const one = (list) => list.slice(1);
function nothing(a, b) {
  return a + b;
}
function withDefaults({ size = 4, deep = { a: 1 } } = {}) {
  queue.push(size);
}
other.push(1);
`;

test.each([
  ['remember', 4, 'pages.set(url, text);'],
  ['several', null, ''],
  ['makes', 12, 'return rows.map((row) => ({ row, sum }));'],
  ['one', 14, 'const one = (list) => list.slice(1);'],
  ['nothing', null, ''],
  ['withDefaults', 19, 'queue.push(size);'],
])('%s: line %j', (name, line, code) => {
  const file = join(tempFolder({ 'app.js': SOURCE }), 'app.js');
  const lines = SOURCE.split('\n');
  const at = lines.findIndex((text) => new RegExp(`(function|const) ${name}\\b`).test(text));
  const column = lines[at]!.indexOf('(') + 1;
  const found = keepingLine({ file, line: at + 1, column, function: name });
  expect(found && { line: found.line, code: found.code }).toEqual(line === null ? null : { line, code });
});

test('no source, or none there: no line', () => {
  expect(keepingLine({ file: '/nowhere.js', line: 1, column: 1, function: 'f' })).toBeNull();
  const file = join(tempFolder({ 'app.js': 'push(1);\n' }), 'app.js');
  expect(keepingLine({ file, line: 900, column: 1, function: 'f' })).toBeNull();
});
