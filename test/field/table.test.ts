import { expect, test } from 'vitest';
import type { SickVerdict } from './judge.ts';
import { type Field, fieldPage, plainTable, sumsOf } from './table.ts';

const verdict = (fields: Partial<SickVerdict>): SickVerdict => ({
  found: false,
  located: false,
  worded: false,
  atLine: false,
  told: [],
  beside: [],
  ...fields,
});
const field: Field = {
  columns: [
    { major: '20', level: 'watch' },
    { major: '20', level: 'diagnose' },
  ],
  rows: [
    {
      name: 'one',
      from: ['a/b#1'],
      sick: [verdict({}), verdict({ found: true, located: true, worded: true, told: ['x/y z'] })],
      cured: [[], ['gc-pause/gc one.cjs:1']],
    },
    {
      name: 'another',
      from: ['c/d#2', 'c/d#3'],
      sick: ['redis-server', verdict({ told: ['x/y z'], beside: ['x/y z'] })],
      cured: [null, null],
    },
  ],
  command: 'node test/field/run.mjs',
  circumstances: ['watch, Node 20: a quiet machine'],
};

test('what was skipped counts neither for nor against', () => {
  expect(sumsOf(field.rows, 0)).toEqual({ sick: 1, found: 0, located: 0, worded: 0, cured: 1, alarms: 0 });
  expect(sumsOf(field.rows, 1)).toEqual({ sick: 2, found: 1, located: 1, worded: 1, cured: 1, alarms: 1 });
});

test('the table is aligned and ends in sums', () => {
  const [head, one, another, , ...sums] = plainTable(field).trimEnd().split('\n');
  expect(head!.indexOf('diagnose, Node 20')).toBe(one!.indexOf('found, line, words'));
  expect(another).toMatch(/^another +skipped +other$/);
  expect(sums[1]).toBe('diagnose, Node 20: found 1 of 2, at the line 1, right words 1; false alarms in 1 of 1 cured');
});

test('the page has its command, each program with its threads, and what was wrong', () => {
  const page = fieldPage(field);
  expect(page).toContain('`node test/field/run.mjs`');
  expect(page).toContain('| another | c/d#2, c/d#3 | skipped | other |');
  expect(page).toContain('## False alarms, diagnose, Node 20\n\n- one: gc-pause/gc one.cjs:1\n');
  expect(page).toContain('beside the answer, diagnose, Node 20\n\n- another: x/y z\n');
});
