/** Arrays of integers as V8 writes them, of any length, without a JavaScript array or a string of them. */
import { type ByteReader, isSpace } from './byte-reader.ts';

/** Small, so that the offset in a complaint about a row is close to it. */
const BATCH_ROWS = 2048;
const MINUS = 45;
const COMMA = 44;
const CLOSE = 93;

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

/** Where the scan of a number stands between two chunks. */
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

  /** Reads until the batch is full or the chunk is used up (-1), the array ends (its `]`), or a byte that has no place. */
  scan(reader: ByteReader): number {
    const { bytes, end } = reader;
    const { batch } = this;
    let { at } = reader;
    let value = this.#value;
    let digits = this.#digits;
    let stop = -1;
    for (; at < end && this.count < batch.length; at++) {
      const byte = bytes[at]!;
      const digit = byte - 48;
      if (digit >= 0 && digit <= 9) {
        // Larger than any integer that a double holds exactly: not from V8.
        if (++digits > 15) {
          stop = byte;
          break;
        }
        value = value * 10 + digit;
      } else if ((byte === COMMA || byte === CLOSE) && digits > 0) {
        batch[this.count++] = this.#negative ? -value : value;
        this.#negative = false;
        value = 0;
        digits = 0;
        if (byte === CLOSE) {
          at++;
          stop = CLOSE;
          break;
        }
      } else if (byte === MINUS && digits === 0 && !this.#negative) this.#negative = true;
      else if (!isSpace(byte)) {
        stop = byte;
        break;
      }
    }
    reader.at = at;
    this.#value = value;
    this.#digits = digits;
    return stop;
  }
}
