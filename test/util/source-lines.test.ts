import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { programLines, sourceLines } from '../../src/util/source-lines.ts';
import { tempFolder } from '../support/recording.ts';

test('the lines of a file are read once', () => {
  const file = join(tempFolder({ 'a.js': 'one\ntwo' }), 'a.js');
  const lines = sourceLines(file);
  expect(lines).toEqual(['one', 'two']);
  rmSync(file);
  expect(sourceLines(file)).toBe(lines);
});

test('a file that is not there is not looked for again', () => {
  const file = join(tempFolder(), 'later.js');
  expect(sourceLines(file)).toBeNull();
  writeFileSync(file, 'now');
  expect(sourceLines(file)).toBeNull();
});

test('a file that is too large for one is there for another', () => {
  const file = join(tempFolder({ 'a.js': 'longer\nthan that' }), 'a.js');
  expect(sourceLines(file, 5)).toBeNull();
  expect(sourceLines(file)).toEqual(['longer', 'than that']);
  expect(sourceLines(file, 5)).toEqual(['longer', 'than that']);
});

test('of what a recording names, program text alone is read', () => {
  const folder = tempFolder({ 'a.mts': 'a', 'b.env': 'SECRET=1' });
  expect(programLines(join(folder, 'a.mts'))).toEqual(['a']);
  expect(programLines(join(folder, 'b.env'))).toBeNull();
  expect(programLines(folder)).toBeNull();
});

test('what is kept is bounded: the oldest files go', () => {
  const name = (i: number) => `${i}.js`;
  const folder = tempFolder(Object.fromEntries(Array.from({ length: 6 }, (_, i) => [name(i), 'x'.repeat(7e6)])));
  const [first, ...others] = Array.from({ length: 6 }, (_, i) => join(folder, name(i)));
  const lines = sourceLines(first!);
  for (const file of others) sourceLines(file);
  expect(sourceLines(others.at(-1)!)).toBe(sourceLines(others.at(-1)!));
  expect(sourceLines(first!)).not.toBe(lines);
});
