/**
 * The nodes or the edges of a snapshot in pieces of the file, for several threads at a time: one takes them from the front, another one
 * from the back, until they meet. How many numbers a piece has is known once it is read, so those from the front are counted from the first
 * and those from the back from the last. What V8 would not write like this is left to the reader of whole arrays.
 */
import { readSync } from 'node:fs';
import { CHUNKS_AT, PIECE_NUMBERS, type ScanKernel } from './scan-kernel.ts';

/** Small enough for its numbers to stay in the cache of a core. */
export const PIECE_BYTES = 1 << 17;
/** Longer than any number that V8 writes. */
const SLACK_BYTES = 64;
/** What the kernel leaves: less than a block and a number. */
const MAX_REST_BYTES = 128;
const COMMA = 44;
const NEWLINE = 10;
const ZERO = 48;

/** Where the rows of an array are in the file: behind its bracket, up to the closing one. */
export interface Bounds {
  start: number;
  end: number;
}

/** Stores numbers of rows, `first` being the index of the first one in the array; false if something is wrong with one. */
export type Scatter = (numbers: Uint32Array, count: number, first: number) => boolean;

/** What is done with one array. */
export interface Job {
  bounds: Bounds;
  /** Numbers in a row. */
  width: number;
  rowCount: number;
  /** How many pieces have been taken by anybody; in shared memory, at `at`. */
  taken: { counter: Int32Array; at: number };
  scatter: Scatter;
}

export const pieceCount = ({ start, end }: Bounds): number => Math.ceil((end - start) / PIECE_BYTES);

/** Takes pieces until none is left, from one side. */
export class Taker {
  /** How many numbers it has stored. */
  stored = 0;
  readonly #kernel: ScanKernel;
  readonly #descriptor: number;
  readonly #job: Job;
  readonly #fromBack: boolean;
  readonly #pieces: number;
  #count = 0;

  constructor(kernel: ScanKernel, descriptor: number, job: Job, fromBack: boolean) {
    this.#kernel = kernel;
    this.#descriptor = descriptor;
    this.#job = job;
    this.#fromBack = fromBack;
    this.#pieces = pieceCount(job.bounds);
  }

  /** The next piece: 'none' if none is left, 'strange' if it is not as V8 writes it. */
  take(): 'done' | 'none' | 'strange' {
    const { taken, rowCount, scatter, width } = this.#job;
    if (Atomics.add(taken.counter, taken.at, 1) >= this.#pieces) return 'none';
    const piece = this.#fromBack ? this.#pieces - 1 - this.#count : this.#count;
    this.#count++;
    const count = this.#parse(piece);
    const left = rowCount * width - this.stored;
    if (count < 0 || count > left) return 'strange';
    const first = this.#fromBack ? left - count : this.stored;
    this.stored += count;
    return scatter(this.#kernel.numbers, count, first) ? 'done' : 'strange';
  }

  /** The numbers that begin in the piece, into the kernel's; -1 if they are not as V8 writes them. */
  #parse(piece: number): number {
    const { start, end } = this.#job.bounds;
    const from = start + piece * PIECE_BYTES;
    const to = Math.min(from + PIECE_BYTES, end);
    // One byte more: a number begins behind a comma, which may be the last of the piece before.
    const readFrom = piece === 0 ? from : from - 1;
    const base = CHUNKS_AT[0];
    const length = Math.min(to + SLACK_BYTES, end) - readFrom;
    if (readSync(this.#descriptor, this.#kernel.bytes, base, length, readFrom) !== length) return -1;
    const first = piece === 0 ? base : afterComma(this.#kernel.bytes, base, base + length);
    const last = to === end ? base + length : afterComma(this.#kernel.bytes, base + to - readFrom - 1, base + length);
    if (first < 0 || last < 0) return -1;
    return first >= last ? 0 : this.#scan(first, last);
  }

  #scan(from: number, end: number): number {
    const count = this.#kernel.scanNumbers(from, end, PIECE_NUMBERS - MAX_REST_BYTES);
    const rest = this.#kernel.at;
    return end - rest > MAX_REST_BYTES ? -1 : scanRest(this.#kernel, rest, end, count);
  }
}

/** Where the first number begins behind a comma from here on; -1 if there is none. */
function afterComma(bytes: Uint8Array, from: number, end: number): number {
  for (let at = from; at < end; at++) if (bytes[at] === COMMA) return at + 1;
  return -1;
}

/** The last numbers of a text, each with its comma; the very last one may be without. How many there are then, or -1. */
function scanRest({ bytes, numbers }: ScanKernel, from: number, end: number, count: number): number {
  let at = from;
  let found = count;
  while (at < end) {
    const begin = at;
    let value = 0;
    for (; at < end && bytes[at]! >= ZERO && bytes[at]! <= ZERO + 9; at++) value = value * 10 + bytes[at]! - ZERO;
    if (at === begin || value > 0xffffffff) return -1;
    numbers[found++] = value;
    if (bytes[at] === NEWLINE && at < end) at++;
    if (at < end && bytes[at++] !== COMMA) return -1;
  }
  return found;
}
