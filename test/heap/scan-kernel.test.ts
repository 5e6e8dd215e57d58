import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { ByteReader } from '../../src/heap/byte-reader.ts';
import { readRows } from '../../src/heap/numbers.ts';
import { CHUNK_BYTES, PlainKernel, type ScanKernel, scanKernel } from '../../src/heap/scan-kernel.ts';

const folder = mkdtempSync(join(tmpdir(), 'evdiag-scan-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const KERNELS: [string, () => ScanKernel][] = [
  ['WebAssembly', scanKernel],
  ['JavaScript', () => new PlainKernel()],
];

test('the module that is checked in is what its source compiles to', () => {
  const compiled = execFileSync(process.execPath, ['scripts/wasm.mjs', '--print'], { encoding: 'utf8' });
  expect(readFileSync('src/heap/scan-module.ts', 'utf8')).toBe(compiled);
});

test('Node has the WebAssembly that the module needs', () => {
  expect(scanKernel()).not.toBeInstanceOf(PlainKernel);
});

/** Numbers as `readRows` hands them on, or its complaint. */
async function rowsOf(text: string, width: number, kernel: ScanKernel): Promise<number[] | string> {
  const path = join(folder, 'numbers');
  writeFileSync(path, text);
  const reader = await ByteReader.open(path, { kernel });
  const read: number[] = [];
  try {
    await readRows(reader, width, (rows, count, wide) => {
      for (let i = 0; i < count * width; i++) read.push(wide ? wide[i]! : rows[i]!);
      return undefined;
    });
    return read;
  } catch (error) {
    return (error as Error).message;
  } finally {
    await reader.close();
  }
}

const SIZES = [10, 1e3, 1e5, 1e7, 1e8, 1e9, 2 ** 32, 2 ** 40];

/** The same numbers each time. */
class SeededRandom {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** From 0 to 1. */
  next(): number {
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) >>> 0;
    return this.#state / 2 ** 32;
  }

  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }
}

/** As V8 writes rows; numbers of up to `SIZES[most]`. */
function rowsText(
  random: SeededRandom,
  width: number,
  rows: number,
  most: number,
): { text: string; numbers: number[] } {
  const numbers = Array.from({ length: width * rows }, () => Math.floor(random.next() * SIZES[random.below(most)]!));
  const lines = Array.from({ length: rows }, (_, row) => numbers.slice(row * width, (row + 1) * width).join(','));
  return { text: `[${lines.join('\n,')}\n]`, numbers };
}

describe.each(KERNELS)('numbers, in %s', (_, kernel) => {
  test.each([1, 3, 7, 64, 70])('rows of %d', async (width) => {
    const random = new SeededRandom(width);
    for (let most = 1; most <= SIZES.length; most++) {
      const { text, numbers } = rowsText(random, width, 300, most);
      expect(await rowsOf(text, width, kernel())).toEqual(numbers);
    }
  });

  test('rows that go over the end of chunks, at many bytes', async () => {
    const { text, numbers } = rowsText(new SeededRandom(5), 3, 12, 7);
    for (let shift = 0; shift < text.length + 70; shift += 5) {
      const space = ' '.repeat(CHUNK_BYTES - shift);
      expect(await rowsOf(`${space}${text}`, 3, kernel())).toEqual(numbers);
    }
  });

  test.each<[string, number[] | string]>([
    ['[4294967295,4294967296,99999999999999,1]', [4294967295, 4294967296, 99999999999999, 1]],
    ['[-1,2]', [-1, 2]],
    ['[ 1 ,\t2\r\n,\n\n3, 4]', [1, 2, 3, 4]],
    ['[0012345678,000000000000001]', [12345678, 1]],
    ['[]', []],
    ['[1000000000012345678,1]', "'5' stands where a number should"],
    ['[1,,2]', "',' stands where a number should"],
    ['[1,2.5]', "'.' stands where a number should"],
    ['[1,2e3]', "'e' stands where a number should"],
    ['[1,--2]', "'-' stands where a number should"],
    ['[1,2', 'is not whole'],
    ['[1,2,', 'is not whole'],
    ['[1,2\n', 'is not whole'],
  ])('%s', async (text, wanted) => {
    // The same behind as many plain numbers as fill a block.
    for (const before of ['', '10,20,'.repeat(40)]) {
      const expected = Array.isArray(wanted) ? [...(before ? Array(40).fill([10, 20]).flat() : []), ...wanted] : wanted;
      const read = await rowsOf(text.replace('[', `[${before}`), 1, kernel());
      if (typeof expected === 'string') expect(read).toContain(expected);
      else expect(read).toEqual(expected);
    }
  });
});

test('damaged rows are the same numbers or the same complaint in both', async () => {
  const random = new SeededRandom(9);
  const bytes = '0123456789,,,\n\n -.e[]"\\\u0000ü';
  for (let i = 0; i < 200; i++) {
    const { text } = rowsText(random, 3, 40, 7);
    const at = random.below(text.length);
    const damaged = text.slice(0, at) + bytes[random.below(bytes.length)] + text.slice(at + random.below(3));
    const [wasm, plain] = [await rowsOf(damaged, 3, scanKernel()), await rowsOf(damaged, 3, new PlainKernel())];
    expect(wasm).toEqual(plain);
  }
});

test('quotes and backslashes are found where they are', () => {
  for (const kernel of [scanKernel(), new PlainKernel()]) {
    for (let at = 0; at < 40; at++) {
      for (const byte of [34, 92]) {
        kernel.bytes.fill(120, 64, 140);
        kernel.bytes[64 + at] = byte;
        expect(kernel.findQuote(64, 130)).toBe(64 + at);
        kernel.bytes[64 + at] = 120;
        expect(kernel.findQuote(64, 100)).toBeGreaterThanOrEqual(100);
      }
    }
  }
});
