import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PIECE_BYTES } from '../../src/heap/pieces.ts';
import { readSnapshot } from '../../src/heap/read-snapshot.ts';
import type { HeapSnapshot } from '../../src/heap/snapshot.ts';
import { type Taken, takeSnapshot } from './take-snapshot.ts';

const PROGRAM = `
  class Row { constructor(i) { this.i = i; this.text = 'row ' + i; this.next = null; } }
  globalThis.kept = Array.from({ length: 20_000 }, (_, i) => new Row(i));
  globalThis.kept.forEach((row, i) => { row.next = globalThis.kept[i - 1]; });
`;

let taken: Taken;
let worker: string;
let text: string;

beforeAll(async () => {
  taken = takeSnapshot(PROGRAM);
  text = readFileSync(taken.path, 'latin1');
  worker = join(taken.folder, 'worker.cjs');
  const entryPoints = ['src/heap/heap-worker.ts'];
  await build({ entryPoints, outfile: worker, bundle: true, platform: 'node', format: 'cjs', logLevel: 'error' });
});
afterAll(() => rmSync(taken.folder, { recursive: true, force: true }));

/** All that is read, or why it is not. */
async function outcome(path: string, minParallelBytes: number): Promise<unknown> {
  try {
    return contentOf(await readSnapshot(path, { worker, minParallelBytes }));
  } catch (error) {
    return (error as Error).message;
  }
}

function contentOf({ columns }: HeapSnapshot): unknown {
  const { strings, ...arrays } = columns;
  const texts = Array.from({ length: strings.count }, (_, i) => strings.at(i));
  const bytes = Object.entries(arrays).map(([name, value]) => [
    name,
    ArrayBuffer.isView(value)
      ? Buffer.from(new Uint8Array(value.buffer, value.byteOffset, value.byteLength)).toString('base64')
      : value,
  ]);
  return { ...Object.fromEntries(bytes), texts };
}

const isShared = (snapshot: HeapSnapshot): boolean => snapshot.columns.edgeTarget.buffer instanceof SharedArrayBuffer;

function made(content: string): string {
  const path = join(taken.folder, 'made.heapsnapshot');
  writeFileSync(path, content, 'latin1');
  return path;
}

test('two threads read what one reads', async () => {
  expect(text.length).toBeGreaterThan(8 * PIECE_BYTES);
  const alone = await readSnapshot(taken.path, { worker });
  const together = await readSnapshot(taken.path, { worker, minParallelBytes: 0 });
  expect([isShared(alone), isShared(together)]).toEqual([false, true]);
  expect(contentOf(together)).toEqual(contentOf(alone));
});

test('rows without lines, as Node 24 writes them, are read by two threads as well, also where a piece ends within a row', async () => {
  const path = made(text.replaceAll('\n,', ','));
  const together = await readSnapshot(path, { worker, minParallelBytes: 0 });
  expect(isShared(together)).toBe(true);
  expect(contentOf(together)).toEqual(contentOf(await readSnapshot(taken.path, { worker })));
});

test('progress goes up to the end of the file', async () => {
  const seen: number[] = [];
  await readSnapshot(taken.path, { worker, minParallelBytes: 0, onProgress: (done, total) => seen.push(done / total) });
  expect(Math.max(...seen)).toBeLessThanOrEqual(1);
  expect(seen).toEqual([...seen].sort((a, b) => a - b));
});

test('without a worker one thread reads it all', async () => {
  const snapshot = await readSnapshot(taken.path, { worker: '/nowhere/worker.cjs', minParallelBytes: 0 });
  expect(isShared(snapshot)).toBe(false);
});

const edgesAt = (): number => text.indexOf('"edges":[');
const rowAt = (from: number): number => text.indexOf('\n,', from) + 2;
const replaced = (at: number, by: string, length = by.length): string =>
  text.slice(0, at) + by + text.slice(at + length);

describe('what is wrong with a file is said as one thread alone says it, and what is only unusual is read', () => {
  test.each([
    ['cut off in the nodes', () => text.slice(0, edgesAt() >> 1)],
    ['cut off in the edges', () => text.slice(0, edgesAt() + 1_000_000)],
    ['cut off in the strings', () => text.slice(0, -1000)],
    ['empty', () => ''],
    ['a letter among the nodes', () => replaced(rowAt(edgesAt() >> 1), 'x')],
    ['a letter among the edges', () => replaced(rowAt(edgesAt() + 700_000), 'x')],
    ['a type that there is not', () => replaced(rowAt(edgesAt() + 700_000), '9')],
    ['a row too many', () => replaced(rowAt(edgesAt() + 700_000), '0,1,0\n,', 0)],
    ['a number too few', () => replaced(rowAt(edgesAt() + 700_000), '', 2)],
    ['a number too few in the nodes', () => replaced(rowAt(edgesAt() >> 1), '', 2)],
    [
      'a node with an edge too many',
      () => text.replace(/("nodes":\[\d+,\d+,\d+,\d+,)(\d+)/, (_, head, count) => head + (Number(count) + 1)),
    ],
    ['a target that is no node', () => text.replace(/"edges":\[(\d+),(\d+),\d+/, '"edges":[$1,$2,3')],
    ['more behind its end', () => `${text}x`],
    ['a size of more than 32 bits', () => text.replace(/("nodes":\[\d+,\d+,\d+,)\d+/, '$17000000000')],
    ['white space between rows', () => replaced(rowAt(edgesAt() + 700_000), '  ', 0)],
    ['no newlines', () => text.replaceAll('\n,', ',')],
    ['newlines elsewhere', () => replaced(rowAt(edgesAt() + 700_000) + 1, '\n', 0)],
  ])('%s', async (_, content) => {
    const path = made(content());
    const alone = await outcome(path, Number.POSITIVE_INFINITY);
    expect(await outcome(path, 0)).toEqual(alone);
  });
});
