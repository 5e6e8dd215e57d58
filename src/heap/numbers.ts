/** Arrays of integers as V8 writes them, of any length, without a JavaScript array or a string of them. */
import { type ByteReader, isSpace } from './byte-reader.ts';

/** Small, so that the offset in an error message is close to the wrong row. */
const BATCH_ROWS = 2048;
const MINUS = 45;
const COMMA = 44;
const CLOSE = 93;
const ZERO = 48;
const NEWLINE = 10;
const MAX_DIGITS = 15;
/** A number has been read, and there may be more. */
const NEXT = -2;

/** `count` rows, row after row. Returns what is wrong with them, if anything. */
export type RowSink = (rows: Float64Array, count: number) => string | undefined;

/** Reads `[1,2,…]` and hands it on in batches of whole rows of `width` integers. Throws InputError. */
export async function readRows(reader: ByteReader, width: number, sink: RowSink): Promise<void> {
  await reader.expect('[');
  const numbers = new NumberScan(width * BATCH_ROWS);
  if ((await reader.peek()) === CLOSE) {
    reader.at++;
    return;
  }
  for (;;) {
    const byte = numbers.scan(reader);
    if (byte === CLOSE) break;
    if (byte >= 0) throw reader.unexpected(byte, 'a number');
    if (numbers.full) flush(reader, numbers, width, sink);
    else await reader.more();
  }
  if (numbers.count % width !== 0) throw reader.corrupt(`a row of ${reader.part} is not whole`);
  flush(reader, numbers, width, sink);
}

function flush(reader: ByteReader, numbers: NumberScan, width: number, sink: RowSink): void {
  const wrong = sink(numbers.batch, numbers.count / width);
  if (wrong) throw reader.corrupt(`${wrong} shortly before`);
  numbers.count = 0;
}

/** The state of a number's scan between two chunks. */
class NumberScan {
  readonly batch: Float64Array;
  count = 0;
  #value = 0;
  #digits = 0;
  #negative = false;

  constructor(capacity: number) {
    this.batch = new Float64Array(capacity);
  }

  get full(): boolean {
    return this.count === this.batch.length;
  }

  /** Reads until the batch is full or the chunk is used up (-1), the array ends (its `]`), or an unexpected byte comes. */
  scan(reader: ByteReader): number {
    for (;;) {
      if (this.#digits === 0 && !this.#negative) this.#scanWhole(reader);
      const stop = this.#scanNext(reader);
      if (stop !== NEXT) return stop;
    }
  }

  /** The common case of nearly all numbers: digits that end well within the chunk, and a comma. Leaves `at` before the rest. */
  #scanWhole(reader: ByteReader): void {
    const { bytes } = reader;
    const { batch } = this;
    const end = reader.end - MAX_DIGITS - 3;
    let { at } = reader;
    let { count } = this;
    while (at < end && count < batch.length) {
      let value = bytes[at]! - ZERO;
      if (value < 0 || value > 9) break;
      let next = at + 1;
      let digit = bytes[next]! - ZERO;
      while (digit >= 0 && digit <= 9 && next - at < MAX_DIGITS) {
        value = value * 10 + digit;
        digit = bytes[++next]! - ZERO;
      }
      // V8 ends each row with a newline, before the comma.
      if (bytes[next] === NEWLINE) next++;
      if (bytes[next] !== COMMA) break;
      batch[count++] = value;
      at = next + 1;
    }
    reader.at = at;
    this.count = count;
  }

  /** One number, whatever is before and after it; it may begin in one chunk and end in the next. */
  #scanNext(reader: ByteReader): number {
    const { bytes, end } = reader;
    for (let { at } = reader; at < end && !this.full; at++) {
      const byte = bytes[at]!;
      const digit = byte - ZERO;
      reader.at = at;
      if (digit >= 0 && digit <= 9) {
        // Larger than any integer that a double holds exactly: not from V8.
        if (++this.#digits > MAX_DIGITS) return byte;
        this.#value = this.#value * 10 + digit;
      } else if ((byte === COMMA || byte === CLOSE) && this.#digits > 0) {
        this.batch[this.count++] = this.#negative ? -this.#value : this.#value;
        this.#negative = false;
        this.#value = 0;
        this.#digits = 0;
        reader.at = at + 1;
        return byte === CLOSE ? CLOSE : NEXT;
      } else if (byte === MINUS && this.#digits === 0 && !this.#negative) this.#negative = true;
      else if (!isSpace(byte)) return byte;
      reader.at = at + 1;
    }
    return -1;
  }
}
