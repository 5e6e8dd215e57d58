/** The innermost loops of reading a snapshot, in WebAssembly; in JavaScript if a process has none (`--jitless`). */
import { SCAN_MODULE } from './scan-module.ts';

/** Of the file, in one piece. */
export const CHUNK_BYTES = 1 << 20;
/** Numbers of one scan. */
export const MAX_NUMBERS = 1 << 13;
/** Of a piece that is read at once, see pieces.ts; the memory is for so many. */
export const PIECE_NUMBERS = 1 << 16;
/** Empty, so that no number seems to begin before its chunk, and a look beyond an end stays in memory. */
const MARGIN_BYTES = 64;
const PAGE_BYTES = 1 << 16;
const ROWS_AT = 2 * (CHUNK_BYTES + MARGIN_BYTES) + MARGIN_BYTES;
const MEMORY_BYTES = ROWS_AT + 4 * PIECE_NUMBERS;
const COMMA = 44;
const NEWLINE = 10;
const ZERO = 48;
const QUOTE = 34;
const BACKSLASH = 92;
/** So many are below 2 ** 32. */
const SAFE_DIGITS = 9;

/** Where the two chunks are in `bytes`. */
export const CHUNKS_AT = [MARGIN_BYTES, CHUNK_BYTES + 2 * MARGIN_BYTES] as const;

/** One for each reader: its memory holds two chunks of the file and the numbers of the last scan. */
export interface ScanKernel {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly numbers: Uint32Array;
  /** Where the last scan stopped: before a number, or what is none. */
  at: number;
  /**
   * Reads numbers below 2 ** 32 as V8 writes them, each with the comma behind it, from bytes[from] to bytes[end - 1] into `numbers`.
   * Returns how many, at most `most`. Stops where the rest has another form or may go on behind `end`.
   */
  scanNumbers(from: number, end: number, most: number): number;
  /** The first quote or backslash of bytes[from] to bytes[end - 1]; `end` or beyond where there is none. */
  findQuote(from: number, end: number): number;
}

/** In WebAssembly where it is allowed and knows vectors, as everywhere but with flags and on rare processors. */
export function scanKernel(): ScanKernel {
  try {
    return new WasmKernel();
  } catch {
    return new PlainKernel();
  }
}

/** As much of WebAssembly as is needed: its types come with the DOM's. */
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object) => { exports: unknown };
};

interface Exports {
  memory: { buffer: ArrayBuffer; grow(pages: number): number };
  stop: { value: number };
  numbers(from: number, end: number, out: number, outEnd: number): number;
  quote(from: number, end: number): number;
}

let compiled: object | undefined;

class WasmKernel implements ScanKernel {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly numbers: Uint32Array;
  at = 0;
  readonly #exports: Exports;

  constructor() {
    compiled ??= new WebAssembly.Module(Buffer.from(SCAN_MODULE, 'base64'));
    this.#exports = new WebAssembly.Instance(compiled).exports as Exports;
    const { memory } = this.#exports;
    memory.grow(Math.ceil(MEMORY_BYTES / PAGE_BYTES));
    this.bytes = new Uint8Array(memory.buffer);
    this.numbers = new Uint32Array(memory.buffer, ROWS_AT, PIECE_NUMBERS);
  }

  scanNumbers(from: number, end: number, most: number): number {
    const out = this.#exports.numbers(from, end, ROWS_AT, ROWS_AT + 4 * most);
    const count = (out - ROWS_AT) / 4;
    this.at = from;
    if (count === 0) return 0;
    const stop = this.#exports.stop.value;
    if (this.bytes[stop] === COMMA) this.at = stop + 1;
    else if (stop + 1 < end && this.bytes[stop + 1] === COMMA) this.at = stop + 2;
    else {
      // What follows the newline is not there yet, or no comma: the number is left to the caller.
      this.at = stop;
      while (isDigit(this.bytes[this.at - 1]!) && this.at > from) this.at--;
      return count - 1;
    }
    return count;
  }

  findQuote(from: number, end: number): number {
    return this.#exports.quote(from, end);
  }
}

/** The same in JavaScript. */
export class PlainKernel implements ScanKernel {
  readonly bytes = new Uint8Array(ROWS_AT);
  readonly numbers = new Uint32Array(PIECE_NUMBERS);
  at = 0;

  scanNumbers(from: number, end: number, most: number): number {
    const { bytes, numbers } = this;
    const last = end - SAFE_DIGITS - 2;
    let at = from;
    let count = 0;
    while (at < last && count < most) {
      let value = bytes[at]! - ZERO;
      if (value < 0 || value > 9) break;
      let next = at + 1;
      let digit = bytes[next]! - ZERO;
      while (digit >= 0 && digit <= 9 && next - at < SAFE_DIGITS) {
        value = value * 10 + digit;
        digit = bytes[++next]! - ZERO;
      }
      // V8 ends each row with a newline, before the comma.
      if (bytes[next] === NEWLINE) next++;
      if (bytes[next] !== COMMA) break;
      numbers[count++] = value;
      at = next + 1;
    }
    this.at = at;
    return count;
  }

  findQuote(from: number, end: number): number {
    const { bytes } = this;
    let at = from;
    while (at < end && bytes[at] !== QUOTE && bytes[at] !== BACKSLASH) at++;
    return at;
  }
}

const isDigit = (byte: number) => byte >= ZERO && byte <= ZERO + 9;
