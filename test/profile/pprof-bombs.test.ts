import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { readPprof } from '../../src/profile/read-pprof.ts';
import { InputError } from '../../src/util/input-error.ts';

/** A field of a message: its number, its bytes. */
function field(number: number, bytes: Buffer): Buffer {
  const length = [];
  for (let rest = bytes.length; ; rest >>>= 7) {
    length.push(rest < 128 ? rest : (rest & 127) | 128);
    if (rest < 128) break;
  }
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...length]), bytes]);
}
const varint = (number: number, value: number): Buffer => Buffer.from([number << 3, value]);
const TYPES = field(1, Buffer.concat([varint(1, 1), varint(2, 2)]));
const repeated = (count: number, piece: Buffer): Buffer => Buffer.alloc(count * piece.length, piece);
const packed = (bytes: number): Buffer =>
  field(2, Buffer.concat([field(1, Buffer.alloc(bytes, 1)), field(2, Buffer.from([1]))]));
/** Location 1 with many lines. */
const wide = (lines: number): Buffer =>
  field(4, Buffer.concat([varint(1, 1), repeated(lines, field(4, varint(2, 1)))]));

test.each([
  ['zeros, gzipped', gzipSync(Buffer.concat([TYPES, Buffer.alloc(300 << 20)])), /unpacked it has more than 256 MiB/],
  [
    'texts',
    Buffer.concat([TYPES, repeated(3e6, field(6, Buffer.alloc(0)))]),
    /more than 2000000 texts, functions or places/,
  ],
  ['functions', Buffer.concat([TYPES, repeated(3e6, field(5, Buffer.alloc(0)))]), /more than 2000000 texts/],
  ['types of samples', repeated(3e6, field(1, Buffer.alloc(0))), /more than 2000000 texts/],
  ['lines of one place', Buffer.concat([TYPES, wide(3e6)]), /more than 2000000 texts/],
  ['one stack', Buffer.concat([TYPES, packed(60e6)]), /a stack has more than 50000000 functions/],
  ['stacks', Buffer.concat([TYPES, repeated(60, packed(1e6))]), /its stacks have more than 50000000 functions/],
  [
    'a place in each place of a stack',
    Buffer.concat([TYPES, wide(1e5), packed(1e5)]),
    /50000000 functions|4000000 different stacks/,
  ],
])('a bomb of %s is one sentence', (_, bytes, words) => {
  let error: unknown;
  try {
    readPprof(bytes);
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(InputError);
  expect((error as Error).message).toMatch(words);
});

test('numbers of 64 bits stay apart', () => {
  const id = (last: number): Buffer => Buffer.from([...new Array(8).fill(0x80), 0x80 | 1, 0].fill(0x80 | last, 0, 1));
  const of = (last: number, text: number): Buffer =>
    Buffer.concat([
      field(5, Buffer.concat([Buffer.from([8]), id(last), varint(2, text)])),
      field(4, Buffer.concat([Buffer.from([8]), id(last), field(4, Buffer.concat([Buffer.from([8]), id(last)]))])),
      field(2, Buffer.concat([field(1, id(last)), field(2, Buffer.from([5]))])),
    ]);
  const texts = ['', 'samples', 'count', 'one', 'two'].map((text) => field(6, Buffer.from(text)));
  const { threads } = readPprof(Buffer.concat([TYPES, ...texts, of(1, 3), of(2, 4)]));
  expect(threads[0]!.frames.map(({ function: name }) => name)).toEqual(['one', 'two']);
});
