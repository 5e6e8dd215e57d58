/** Bytes of a file, one chunk at a time, with the position for error messages. */
import { constants } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { InputError } from '../recording/input-error.ts';
import { notRegular } from '../util/regular-file.ts';
import { nodeCode } from '../util/user-error.ts';

const HINT = 'Give a .heapsnapshot file.';
const CHUNK_BYTES = 1 << 20;
const QUOTE = 34;
const BACKSLASH = 92;
/** Keys and the header are small; a file with longer ones is no heap snapshot. */
const MAX_TEXT_BYTES = 1 << 20;

/** Bytes done, of the bytes the file had when it was opened. */
export type OnProgress = (doneBytes: number, totalBytes: number) => void;

/** Reads forward only. `bytes[at] … bytes[end - 1]` is what is left of the current chunk; a loop over it moves `at`. */
export class ByteReader {
  readonly path: string;
  readonly fileBytes: number;
  readonly bytes: Buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  at = 0;
  end = 0;
  /** What is being read, for the message about a file that ends too early. */
  part = 'the header';
  #chunkStart = 0;
  #file: FileHandle;
  #onProgress: OnProgress | undefined;

  private constructor(path: string, file: FileHandle, fileBytes: number, onProgress: OnProgress | undefined) {
    this.path = path;
    this.fileBytes = fileBytes;
    this.#file = file;
    this.#onProgress = onProgress;
  }

  /** Throws InputError if the path is no readable regular file. */
  static async open(path: string, onProgress?: OnProgress): Promise<ByteReader> {
    try {
      // Reading a pipe or a device instead of a file would hang or never end.
      if (!(await stat(path)).isFile()) throw notRegular(path, HINT);
      const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
      const stats = await file.stat();
      if (stats.isFile()) return new ByteReader(path, file, stats.size, onProgress);
      await file.close();
      throw notRegular(path, HINT);
    } catch (error) {
      throw error instanceof InputError ? error : accessError(error, path);
    }
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  /** Offset in the file of `bytes[at]`. */
  get offset(): number {
    return this.#chunkStart + this.at;
  }

  /** The next chunk; false at the end of the file. Call it only when the current one is used up. */
  async refill(): Promise<boolean> {
    this.#chunkStart += this.end;
    this.at = 0;
    this.end = 0;
    // What is written while we read is ignored: a reader must not chase a live writer forever.
    const left = Math.min(this.fileBytes - this.#chunkStart, CHUNK_BYTES);
    if (left > 0) this.end = (await this.#file.read(this.bytes, 0, left, this.#chunkStart)).bytesRead;
    this.#onProgress?.(this.#chunkStart + this.end, this.fileBytes);
    return this.end > 0;
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
