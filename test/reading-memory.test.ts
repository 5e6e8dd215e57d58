import { truncateSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { TimeLeft } from '../src/cli/progress.ts';
import { requireMemory } from '../src/cli/reading-memory.ts';
import { tempFolder } from './support/recording.ts';

/** Holes: they take no room. */
function files(...sizes: number[]): string[] {
  const names = sizes.map((_, i) => `${i}.heapsnapshot`);
  const folder = tempFolder(Object.fromEntries(names.map((name) => [name, ''])));
  return names.map((name, i) => {
    const file = join(folder, name);
    truncateSync(file, sizes[i]!);
    return file;
  });
}

test('snapshots that memory does not suffice for are refused with both figures', () => {
  expect(() => requireMemory(files(1e9), 1e9)).toThrow(
    /^To read it takes about 1\.3 GiB of memory, 954 MiB are available\. .* add --force to try\.$/,
  );
  expect(() => requireMemory(files(1e9, 1e9, 1e9), 2e9)).toThrow(/^To read them takes about 2 GiB of memory, 1\.9 GiB/);
});

test('what fits, what is small, and what is not there is left to the reader', () => {
  requireMemory(files(1e9), 1.5e9);
  requireMemory(files(1e6, 1e6), 0);
  requireMemory(['/nowhere/a.heapsnapshot'], 0);
});

test('the time left follows from how far a step has come; of each step anew, and not at its beginning', () => {
  const left = new TimeLeft();
  expect(left.text('reading', 0.01, 1000)).toBe('');
  expect(left.text('reading', 0.02, 1100)).toBe('');
  expect(left.text('reading', 0.25, 3000)).toBe(', 6 s left');
  expect(left.text('reading', 0.5, 5000)).toBe(', 4 s left');
  expect(left.text('looking', 0.5, 5100)).toBe('');
});
