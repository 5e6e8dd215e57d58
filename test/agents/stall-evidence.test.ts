import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { dominant, mergeSmallest, summarizeStacks, type Witness } from '../../agents/watchdog/stall/stall-evidence.ts';
import { CONFIDENCE } from '../../src/detectors/confidence.ts';
import type { StallKind } from '../../src/recording/types.ts';
import { frame } from '../support/recording.ts';

/** A stack of `ms` at a line of a function. */
function seen(kind: StallKind, name: string, line: number, ms = 20, fields: Partial<Witness> = {}): Witness {
  const { category: _, ...location } = frame(name, line);
  const known = { count: 1, marked: false, borrowed: false, late: false };
  const frames = [frame(name, line)];
  return { weightMs: ms, kind, frames, location, ...known, toFrames: () => frames, ...fields };
}

/** The computing of many callbacks, one stack each. */
const callbacks = Array.from({ length: 8 }, (_, i) => seen('js-cpu', `callback${i}`, 10 + i));

test.each([
  ['one stack among callbacks', 'js-cpu', [seen('regexp', 'parse', 5, 60), ...callbacks]],
  ['two of different calls', 'js-cpu', [seen('json', 'read', 5), seen('json', 'write', 9)]],
  ['the only stack there is', 'js-cpu', [seen('sync-crypto', 'etag', 5, 100)]],
  ['two of the same call', 'regexp', [seen('regexp', 'parse', 5), seen('regexp', 'parse', 5)]],
  ['two that are kept as one', 'regexp', [seen('regexp', 'parse', 5, 40, { count: 2 })]],
  ['one that its mark tells', 'sync-fs', [seen('sync-fs', 'load', 5, 100, { marked: true })]],
  [
    'a mark seen once, late, among callbacks',
    'js-cpu',
    [seen('sync-stdio', 'log', 5, 900, { marked: true }), ...callbacks],
  ],
  ['a mark seen twice', 'sync-fs', [seen('sync-fs', 'load', 5, 300, { marked: true, count: 2 }), ...callbacks]],
  ['two, and more time in computation', 'js-cpu', [seen('json', 'a', 5), seen('json', 'a', 5), ...callbacks]],
] as const)('%s: %s', (_what, kind, stacks) => {
  expect(dominant(stacks)?.kind).toBe(kind);
});

test('the place of a kind that is not sure is where most of the time went', () => {
  const stacks = [seen('regexp', 'parse', 5, 30), seen('js-cpu', 'render', 9), seen('js-cpu', 'render', 9)];
  expect(dominant(stacks)).toMatchObject({ kind: 'js-cpu', location: { function: 'render' } });
});

test('nor is what a late look stands for', () => {
  const stacks = [seen('sync-stdio', 'log', 5, 900, { marked: true }), seen('js-cpu', 'pack', 9, 20, { count: 3 })];
  expect(dominant(stacks)).toMatchObject({ kind: 'js-cpu', location: { function: 'pack' } });
});

test('behind marked calls the line is within the loop, not its head, and no more than likely', () => {
  const folder = mkdtempSync(join(tmpdir(), 'evdiag-test-'));
  try {
    const file = join(folder, 'import.js');
    writeFileSync(file, 'function load() {\n  for (const row of rows) {\n    appendFileSync(file, row);\n  }\n}\n');
    const behind = (line: number, column: number, count: number) => {
      const location = { file, line, column, function: 'load' };
      return seen('sync-fs', 'load', line, 40 * count, { location, count, marked: true, borrowed: true });
    };
    expect(dominant([behind(2, 3, 7), behind(3, 5, 2)])).toMatchObject({
      kind: 'sync-fs',
      location: { line: 3 },
      confidence: CONFIDENCE.divided,
    });
    // Nothing else was seen.
    expect(dominant([behind(2, 3, 7)])).toMatchObject({ location: { line: 2 }, confidence: CONFIDENCE.divided });
    expect(summarizeStacks([behind(2, 3, 7)])).toMatchObject([{ marked: true, late: true }]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('stacks are counted, also where they are put together', () => {
  const stacks = [seen('json', 'a', 5), seen('json', 'a', 5), seen('json', 'a', 5, 1)];
  mergeSmallest(stacks);
  expect(stacks.map(({ count }) => count)).toEqual([2, 1]);
  expect(summarizeStacks(stacks)).toMatchObject([{ count: 3, weightMs: 41 }]);
  expect(Object.keys(summarizeStacks(stacks)[0]!).sort()).toEqual(['count', 'frames', 'kind', 'location', 'weightMs']);
});
