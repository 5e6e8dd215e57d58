/** Bytes of a file, one chunk at a time, with the position for error messages. */
import { constants } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { InputError } from '../recording/input-error.ts';
import { notRegular } from '../util/regular-file.ts';
import { nodeCode } from '../util/user-error.ts';
import { CHUNK_BYTES, CHUNKS_AT, type ScanKernel, scanKernel } from './scan-kernel.ts';

const HINT = 'Give a .heapsnapshot file.';
const QUOTE = 34;
const BACKSLASH = 92;
/** Keys and the header are small; a file with longer ones is no heap snapshot. */
const MAX_TEXT_BYTES = 1 << 20;

/** Bytes done, of the bytes the file had when it was opened. */
export type OnProgress = (doneBytes: number, totalBytes: number) => void;

/** Options of `ByteReader.open`. */
export interface ReaderOptions {
  /** Called about once per MB with bytes. */
  onProgress?: OnProgress;
  /** For tests; the fastest one otherwise. */
  kernel?: ScanKernel;
  /** For tests: files that are this large are read by two threads. */
  minParallelBytes?: number;
  /** For tests: the built heap-worker.ts. */
  worker?: string;
}

/**
 * Reads forward only. `bytes[at] … bytes[end - 1]` is what is left of the current chunk; a loop over it moves `at`. While it is looked
 * at, the next one is read.
 */
export class ByteReader {
  readonly path: string;
  readonly fileBytes: number;
  readonly kernel: ScanKernel;
  /** The kernel's memory. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  at = 0;
  end = 0;
  /** What is being read, for the message about a file that ends too early. */
  part = 'the header';
  /** Offset in the file of the current chunk. */
  #chunkStart = 0;
  /** Of `CHUNKS_AT`, the one that is looked at. */
  #chunk: 0 | 1 = 0;
  /** How many bytes the other chunk has, or why they cannot be read. */
  #next: Promise<number | Error>;
  #file: FileHandle;
  #onProgress: OnProgress | undefined;

  private constructor(
    path: string,
    file: FileHandle,
    fileBytes: number,
    { onProgress, kernel = scanKernel() }: ReaderOptions,
  ) {
    this.path = path;
    this.fileBytes = fileBytes;
    this.#file = file;
    this.#onProgress = onProgress;
    this.kernel = kernel;
    this.bytes = kernel.bytes;
    this.at = this.end = CHUNKS_AT[0];
    this.#next = this.#readAhead(0);
  }

  /** Throws InputError if the path is no readable regular file. */
  static async open(path: string, options: ReaderOptions = {}): Promise<ByteReader> {
    try {
      // Reading a pipe or a device instead of a file would hang or never end.
      if (!(await stat(path)).isFile()) throw notRegular(path, HINT);
      const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
      const stats = await file.stat();
      if (stats.isFile()) return new ByteReader(path, file, stats.size, options);
      await file.close();
      throw notRegular(path, HINT);
    } catch (error) {
      throw error instanceof InputError ? error : accessError(error, path);
    }
  }

  async close(): Promise<void> {
    // It writes into the memory that goes now.
    await this.#next;
    await this.#file.close();
  }

  /** Offset in the file of `bytes[at]`. */
  get offset(): number {
    return this.#chunkStart + this.at - CHUNKS_AT[this.#chunk];
  }

  /** Goes on at this offset; what is read from there on is no progress of its own. */
  async seek(offset: number): Promise<void> {
    await this.#next;
    this.#chunkStart = offset;
    this.at = this.end = CHUNKS_AT[this.#chunk];
    this.#onProgress = undefined;
    this.#next = this.#readAhead(offset);
  }

  /** The next chunk; false at the end of the file. Call it only when the current one is used up. */
  async refill(): Promise<boolean> {
    const start = this.#chunkStart + this.end - CHUNKS_AT[this.#chunk];
    const count = await this.#next;
    if (count instanceof Error) throw count;
    this.#chunkStart = start;
    this.#chunk = this.#chunk === 0 ? 1 : 0;
    this.at = CHUNKS_AT[this.#chunk];
    this.end = this.at + count;
    this.#next = this.#readAhead(start + count);
    this.#onProgress?.(start + count, this.fileBytes);
    return count > 0;
  }

  async #readAhead(from: number): Promise<number | Error> {
    // What is written while we read is ignored: a reader must not chase a live writer forever.
    const left = Math.min(this.fileBytes - from, CHUNK_BYTES);
    if (left <= 0) return 0;
    try {
      return (await this.#file.read(this.bytes, CHUNKS_AT[1 - this.#chunk], left, from)).bytesRead;
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  }

  /** Like `refill`, but the file may not end here. */
  async more(): Promise<void> {
    if (!(await this.refill())) throw this.endsEarly();
  }

  /** The next byte that is not white space, not consumed; -1 at the end of the file. */
  async peek(): Promise<number> {
    for (;;) {
      while (this.at < this.end) {
        const byte = this.bytes[this.at]!;
        if (!isSpace(byte)) return byte;
        this.at++;
      }
      if (!(await this.refill())) return -1;
    }
  }

  /** Like `peek`, but the file may not end here, and the byte is consumed. */
  async next(): Promise<number> {
    const byte = await this.peek();
    if (byte === -1) throw this.endsEarly();
    this.at++;
    return byte;
  }

  /** Consumes this one character, after white space. */
  async expect(character: string): Promise<void> {
    const byte = await this.next();
    if (byte === character.charCodeAt(0)) return;
    this.at--;
    throw this.unexpected(byte, `'${character}'`);
  }

  /** The next JSON value, as bytes; if `keep` is false it is skipped and may have any length. */
  async value(keep: boolean): Promise<Buffer> {
    const kept: Buffer[] = [];
    let keptBytes = 0;
    const scan = new ValueScan();
    await this.peek();
    for (;;) {
      const from = this.at;
      this.at = scan.advance(this.bytes, from, this.end);
      if (keep) {
        keptBytes += this.at - from;
        if (keptBytes > MAX_TEXT_BYTES) throw this.corrupt(`${this.part} is too long`);
        kept.push(Buffer.from(this.bytes.subarray(from, this.at)));
      }
      if (scan.done) return Buffer.concat(kept);
      await this.more();
    }
  }

  unexpected(byte: number, wanted: string): InputError {
    const seen = byte > 32 && byte < 127 ? `'${String.fromCharCode(byte)}'` : `the byte ${byte}`;
    return this.corrupt(`${seen} stands where ${wanted} should, in ${this.part}`);
  }

  /** One sentence with the offset of the next byte. */
  corrupt(what: string): InputError {
    return new InputError(`"${this.path}" is not a whole heap snapshot: ${what}, at byte ${this.offset}.`);
  }

  endsEarly(): InputError {
    return this.tooShort(this.fileBytes === 0 ? 'it is empty' : `${this.part} is not whole`, this.offset);
  }

  /** One sentence with the offset of the end. */
  tooShort(what: string, end = this.fileBytes): InputError {
    const cause = 'it was cut short or is still being written';
    return new InputError(`"${this.path}" is not a whole heap snapshot: ${what}, it ends at byte ${end}; ${cause}.`);
  }
}

/** Finds the end of a JSON value, over any number of chunks. */
class ValueScan {
  done = false;
  #depth = 0;
  #inString = false;
  #escaped = false;
  #started = false;

  /** Where the value ends in these bytes, or `end`. */
  advance(bytes: Uint8Array, from: number, end: number): number {
    for (let at = from; at < end; at++) {
      const byte = bytes[at]!;
      if (this.#inString) this.#stringByte(byte);
      else if (this.#endsBefore(byte)) {
        this.done = true;
        return at;
      } else this.#plainByte(byte);
      if (this.done) return at + 1;
    }
    return end;
  }

  #stringByte(byte: number): void {
    if (this.#escaped) this.#escaped = false;
    else if (byte === BACKSLASH) this.#escaped = true;
    else if (byte === QUOTE) {
      this.#inString = false;
      this.done = this.#depth === 0;
    }
  }

  #plainByte(byte: number): void {
    this.#started = true;
    if (byte === QUOTE) this.#inString = true;
    else if (isOpening(byte)) this.#depth++;
    else if (isClosing(byte)) this.done = --this.#depth === 0;
  }

  /** A number or a word ends at a byte that belongs to what surrounds it. */
  #endsBefore(byte: number): boolean {
    if (this.#depth > 0) return false;
    return isClosing(byte) || (this.#started && (byte === 44 || isSpace(byte)));
  }
}

/** White space as JSON has it. */
export const isSpace = (byte: number) => byte === 32 || byte === 10 || byte === 13 || byte === 9;
const isOpening = (byte: number) => byte === 123 || byte === 91;
const isClosing = (byte: number) => byte === 125 || byte === 93;

function accessError(error: unknown, path: string): InputError {
  const code = nodeCode(error);
  if (code === 'ENOENT' || code === 'ENOTDIR') return new InputError(`"${path}" does not exist.`);
  return new InputError(`"${path}" cannot be read (${code}).`);
}
