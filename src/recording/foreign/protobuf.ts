/** Just enough of protocol buffers to read small messages (https://protobuf.dev/programming-guides/encoding/). */

/** Field number → its last value: numbers as they are, nested messages and strings as bytes. */
export type Fields = Map<number, number | Buffer>;

const WIRE = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;
/** Varints of more bytes are no 64-bit number. */
const MAX_VARINT_BYTES = 10;

/** Fixed 64-bit fields are taken for doubles, fixed 32-bit ones for floats. Null where the bytes are no message. */
export function fieldsOf(message: Buffer): Fields | null {
  const fields: Fields = new Map();
  let at = 0;
  while (at < message.length) {
    const tag = varintAt(message, at);
    if (tag === null) return null;
    const wire = tag.value % 8;
    const read = valueAt(message, tag.end, wire);
    if (read === null) return null;
    fields.set(Math.floor(tag.value / 8), read.value);
    at = read.end;
  }
  return fields;
}

interface Read<T> {
  value: T;
  end: number;
}

function valueAt(message: Buffer, at: number, wire: number): Read<number | Buffer> | null {
  if (wire === WIRE.varint) return varintAt(message, at);
  if (wire === WIRE.fixed64 && at + 8 <= message.length) return { value: message.readDoubleLE(at), end: at + 8 };
  if (wire === WIRE.fixed32 && at + 4 <= message.length) return { value: message.readFloatLE(at), end: at + 4 };
  const length = wire === WIRE.bytes ? varintAt(message, at) : null;
  if (length === null || length.end + length.value > message.length) return null;
  const end = length.end + length.value;
  return { value: message.subarray(length.end, end), end };
}

/** Beyond 2^53 it is rounded; negative numbers come out as what they are without a sign. */
function varintAt(message: Buffer, from: number): Read<number> | null {
  let value = 0;
  for (let i = 0; i < MAX_VARINT_BYTES && from + i < message.length; i++) {
    const byte = message[from + i]!;
    value += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return { value, end: from + i + 1 };
  }
  return null;
}
