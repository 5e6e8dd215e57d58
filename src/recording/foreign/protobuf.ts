/** Just enough of protocol buffers to read small messages (https://protobuf.dev/programming-guides/encoding/). */

/** Field number → its last value: numbers as they are, nested messages and strings as bytes. */
export type Fields = Map<number, number | Buffer>;

/** What a field holds: a number, or where a nested message or text begins and ends (-1 for a number). */
export type Visit = (field: number, value: number | bigint, from: number, to: number) => void;

const WIRE = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;
/** A varint with more bytes is no 64-bit number. */
const MAX_VARINT_BYTES = 10;

/** The fields of a message in order. False if the bytes are no message: `visit` has been called for the fields before. */
export function eachField(bytes: Buffer, start: number, end: number, visit: Visit): boolean {
  const cursor = { at: start };
  while (cursor.at < end) {
    const tag = Number(varintAt(bytes, cursor, end));
    const field = Math.floor(tag / 8);
    const wire = tag % 8;
    if (!(tag >= 0)) return false;
    if (wire === WIRE.varint) {
      const value = varintAt(bytes, cursor, end);
      if (value === -1) return false;
      visit(field, value, -1, -1);
      continue;
    }
    const length = wire === WIRE.bytes ? Number(varintAt(bytes, cursor, end)) : wire === WIRE.fixed64 ? 8 : 4;
    const from = cursor.at;
    if ((wire !== WIRE.bytes && wire !== WIRE.fixed64 && wire !== WIRE.fixed32) || length < 0 || from + length > end)
      return false;
    cursor.at += length;
    if (wire === WIRE.bytes) visit(field, length, from, from + length);
    else visit(field, wire === WIRE.fixed64 ? bytes.readDoubleLE(from) : bytes.readFloatLE(from), -1, -1);
  }
  return true;
}

/** The numbers of a packed field, in order. False if the bytes are none. */
export function eachVarint(
  bytes: Buffer,
  start: number,
  end: number,
  visit: (value: number | bigint) => void,
): boolean {
  const cursor = { at: start };
  while (cursor.at < end) {
    const value = varintAt(bytes, cursor, end);
    if (value === -1) return false;
    visit(value);
  }
  return true;
}

/** Fixed 64-bit fields are taken for doubles, fixed 32-bit ones for floats. Null if the bytes are no message. */
export function fieldsOf(message: Buffer): Fields | null {
  const fields: Fields = new Map();
  const isWhole = eachField(message, 0, message.length, (field, value, from, to) => {
    fields.set(field, from < 0 ? Number(value) : message.subarray(from, to));
  });
  return isWhole ? fields : null;
}

/** -1 if it is cut off or no 64-bit number. Negative numbers are returned as unsigned. */
function varintAt(bytes: Buffer, cursor: { at: number }, end: number): number | bigint {
  let value = 0;
  for (let i = 0; i < MAX_VARINT_BYTES && cursor.at < end; i++) {
    const byte = bytes[cursor.at++]!;
    value += (byte & 0x7f) * 2 ** (7 * i);
    if (byte >= 0x80) continue;
    // Ids may be hashes of 64 bits: rounded, two of them could become equal.
    return value <= Number.MAX_SAFE_INTEGER ? value : exactly(bytes, cursor.at - i - 1, cursor.at);
  }
  return -1;
}

function exactly(bytes: Buffer, from: number, to: number): bigint {
  let value = 0n;
  for (let at = to - 1; at >= from; at--) value = (value << 7n) | BigInt(bytes[at]! & 0x7f);
  return BigInt.asUintN(64, value);
}
