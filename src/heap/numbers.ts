/** Arrays of integers as V8 writes them, of any length, without a JavaScript array or a string of them. */
import { type ByteReader, isSpace } from './byte-reader.ts';
import { MAX_NUMBERS } from './scan-kernel.ts';

const MINUS = 45;
const COMMA = 44;
const CLOSE = 93;
const ZERO = 48;
const MAX_DIGITS = 15;
const UINT32_MAX = 2 ** 32 - 1;
/** A number has been read, and there may be more. */
const NEXT = -2;

/**
 * `count` rows, row after row. If a number of a row does not fit in 32 bits, the row comes alone; `wide` has its numbers, and `rows`
 * 2 ** 32 - 1 in place of this one. Returns what is wrong with them, if anything.
 */
export type RowSink = (rows: Uint32Array, count: number, wide: Float64Array | null) => string | undefined;

/** Where these fields are in a row. */
export function positions<const Names extends readonly string[]>(
  fields: readonly string[],
  names: Names,
): { [I in keyof Names]: number } {
  return names.map((name) => fields.indexOf(name)) as { [I in keyof Names]: number };
}

/** Reads `[1,2,…]` and hands it on in batches of whole rows of `width` integers. Throws InputError. */
export async function readRows(reader: ByteReader, width: number, sink: RowSink): Promise<void> {
  await reader.expect('[');
  if ((await reader.peek()) === CLOSE) {
    reader.at++;
    return;
  }
  const row = new RowScan(width);
  for (;;) {
    if (row.isEmpty) scanRows(reader, width, row, sink);
    const byte = row.scan(reader);
    if (byte === CLOSE) break;
    if (byte >= 0) throw reader.unexpected(byte, 'a number');
    if (row.isWhole) flushRow(reader, row, sink);
    else await reader.more();
  }
  if (row.isWhole) flushRow(reader, row, sink);
  if (!row.isEmpty) throw reader.corrupt(`a row of ${reader.part} is not whole`);
}

/** As many rows as are plain numbers in this chunk, which nearly all are; hands the beginning of the one behind them to `row`. */
function scanRows(reader: ByteReader, width: number, row: RowScan, sink: RowSink): void {
  const { kernel } = reader;
  const most = MAX_NUMBERS - (MAX_NUMBERS % width);
  for (;;) {
    const count = kernel.scanNumbers(reader.at, reader.end, most);
    const over = count % width;
    reader.at = kernel.at;
    check(reader, count > over ? sink(kernel.numbers, (count - over) / width, null) : undefined);
    row.begin(kernel.numbers, count - over, over);
    if (count < most || most === 0) return;
  }
}

function flushRow(reader: ByteReader, row: RowScan, sink: RowSink): void {
  check(reader, sink(row.narrow(), 1, row.isWide ? row.values : null));
  row.clear();
}

function check(reader: ByteReader, wrong: string | undefined): void {
  if (wrong) throw reader.corrupt(`${wrong} shortly before`);
}

/** One row, number by number, whatever is between them; it may begin in one chunk and end in another one. */
class RowScan {
  readonly values: Float64Array;
  /** There is a number in it that does not fit in 32 bits. */
  isWide = false;
  #count = 0;
  #narrow: Uint32Array;
  #value = 0;
  #digits = 0;
  #negative = false;

  constructor(width: number) {
    this.values = new Float64Array(width);
    this.#narrow = new Uint32Array(width);
  }

  get isWhole(): boolean {
    return this.#count === this.values.length;
  }

  /** Nothing of a row has been seen. */
  get isEmpty(): boolean {
    return this.#count === 0 && this.#digits === 0 && !this.#negative;
  }

  /** Its first numbers. */
  begin(numbers: Uint32Array, from: number, count: number): void {
    for (let i = 0; i < count; i++) this.values[i] = numbers[from + i]!;
    this.#count = count;
  }

  clear(): void {
    this.#count = 0;
    this.isWide = false;
  }

  narrow(): Uint32Array {
    for (const [i, value] of this.values.entries()) {
      const fits = value >= 0 && value <= UINT32_MAX;
      this.#narrow[i] = fits ? value : UINT32_MAX;
      if (!fits) this.isWide = true;
    }
    return this.#narrow;
  }

  /** Reads until the row is whole or the chunk is used up (-1), the array ends (its `]`), or an unexpected byte comes. */
  scan(reader: ByteReader): number {
    let stop = NEXT;
    while (stop === NEXT) stop = this.#scanNext(reader);
    return stop;
  }

  #scanNext(reader: ByteReader): number {
    const { bytes, end } = reader;
    for (let { at } = reader; at < end && !this.isWhole; at++) {
      const byte = bytes[at]!;
      const digit = byte - ZERO;
      reader.at = at;
      if (digit >= 0 && digit <= 9) {
        // Larger than any integer that a double holds exactly: not from V8.
        if (++this.#digits > MAX_DIGITS) return byte;
        this.#value = this.#value * 10 + digit;
      } else if ((byte === COMMA || byte === CLOSE) && this.#digits > 0) {
        this.values[this.#count++] = this.#negative ? -this.#value : this.#value;
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
