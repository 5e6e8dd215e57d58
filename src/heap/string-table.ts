/** The strings of a snapshot, kept as the bytes they have in the file and decoded when asked for. */
import { type ByteReader, isSpace } from './byte-reader.ts';

const SEGMENT_BYTES = 1 << 22;
const QUOTE = 34;
const BACKSLASH = 92;
const COMMA = 44;
const CLOSE = 93;
const NEWLINE = 10;
const FIRST_CAPACITY = 1 << 14;
const MAX_HASHED = 200;

/** Strings by their index in the file's array. */
export class StringTable {
  count = 0;
  #segments: Buffer[] = [];
  #bytes = 0;
  #firsts: Uint16Array | undefined;
  /** Where each string begins, after its quote, in the segments put one after the other. */
  #starts = new Float64Array(FIRST_CAPACITY);

  /** The string; '' for an index beyond the table. Costs a decoding each time. */
  at(index: number): string {
    if (index >= this.count) return '';
    const start = this.#starts[index]!;
    const end = this.#endOf(start);
    const bytes = this.#slice(start, end);
    if (bytes.indexOf(BACKSLASH) === -1) return bytes.toString('utf8');
    const raw = bytes.toString('utf8');
    try {
      return JSON.parse(`"${raw}"`);
    } catch {
      // An escape that JSON does not know: the raw text is better than nothing.
      return raw;
    }
  }

  /** The indexes of these strings (of plain ASCII letters), if the table has them. One pass, nothing is decoded. */
  find(texts: Iterable<string>): Map<string, number> {
    const byFirst = new Map<number, Buffer[]>();
    const isWanted = new Uint8Array(1 << 16);
    for (const text of texts) {
      const bytes = Buffer.from(`${text}"`);
      const key = (bytes[0]! << 8) | bytes[1]!;
      byFirst.set(key, [...(byFirst.get(key) ?? []), bytes]);
      isWanted[key] = 1;
    }
    const found = new Map<string, number>();
    const firsts = this.#firstBytes();
    for (let index = 0; index < firsts.length; index++) {
      if (isWanted[firsts[index]!] === 0) continue;
      const start = this.#starts[index]!;
      const match = byFirst.get(firsts[index]!)!.find((bytes) => this.#startsWith(start, bytes));
      if (match) found.set(match.toString('latin1', 0, match.length - 1), index);
    }
    return found;
  }

  /** The first two bytes of each string: looked at for each `find`. */
  #firstBytes(): Uint16Array {
    if (this.#firsts?.length === this.count) return this.#firsts;
    const firsts = new Uint16Array(this.count);
    for (let index = 0; index < firsts.length; index++) {
      const start = this.#starts[index]!;
      firsts[index] = (this.#byte(start) << 8) | this.#byte(start + 1);
    }
    this.#firsts = firsts;
    return firsts;
  }

  /** The indexes of the strings that hold this text of plain ASCII, in order. A search in the bytes: nothing is decoded. */
  containing(text: string): number[] {
    const found: number[] = [];
    const wanted = Buffer.from(text);
    const add = (offset: number): void => {
      const index = this.#indexAt(offset);
      if (found.at(-1) !== index) found.push(index);
    };
    for (const [i, segment] of this.#segments.entries()) {
      const base = i * SEGMENT_BYTES;
      const seam = this.#slice(Math.max(0, base - wanted.length + 1), Math.min(this.#bytes, base + wanted.length - 1));
      const across = seam.indexOf(wanted);
      if (i > 0 && across >= 0) add(base - wanted.length + 1 + across);
      const filled = segment.subarray(0, Math.min(SEGMENT_BYTES, this.#bytes - base));
      for (let at = filled.indexOf(wanted); at >= 0; at = filled.indexOf(wanted, at + 1)) add(base + at);
    }
    return found;
  }

  /** The first byte of a string; its quote where it is empty. */
  firstByte(index: number): number {
    return this.#byte(this.#starts[index]!);
  }

  /** The length of a string in bytes of the file. */
  byteLength(index: number): number {
    const start = this.#starts[index]!;
    return index < this.count ? this.#endOf(start) - start : 0;
  }

  /** A number of 32 bits that equal strings share, in any file; of long ones only the first bytes and the length count. */
  hash(index: number): number {
    const start = this.#starts[index]!;
    const end = this.#endOf(start);
    let hash = end - start;
    for (let at = start; at < end && at < start + MAX_HASHED; at++) hash = Math.imul(hash ^ this.#byte(at), 0x01000193);
    return hash >>> 0;
  }

  /** The last string that begins at this offset or before. */
  #indexAt(offset: number): number {
    let low = 0;
    let high = this.count;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (this.#starts[middle]! <= offset) low = middle;
      else high = middle;
    }
    return low;
  }

  /** A chunk of the array's text; must come before the starts in it are added. */
  append(bytes: Uint8Array): void {
    for (let from = 0; from < bytes.length; ) {
      const used = this.#bytes % SEGMENT_BYTES;
      if (used === 0) this.#segments.push(Buffer.allocUnsafeSlow(SEGMENT_BYTES));
      const copied = Math.min(SEGMENT_BYTES - used, bytes.length - from);
      this.#segments.at(-1)!.set(bytes.subarray(from, from + copied), used);
      from += copied;
      this.#bytes += copied;
    }
  }

  addStart(start: number): void {
    if (this.count === this.#starts.length) {
      const wider = new Float64Array(this.count * 2);
      wider.set(this.#starts);
      this.#starts = wider;
    }
    this.#starts[this.count++] = start;
  }

  get bytes(): number {
    return this.#bytes;
  }

  #byte(offset: number): number {
    return this.#segments[Math.floor(offset / SEGMENT_BYTES)]?.[offset % SEGMENT_BYTES] ?? 0;
  }

  #startsWith(start: number, bytes: Buffer): boolean {
    for (let i = 0; i < bytes.length; i++) if (this.#byte(start + i) !== bytes[i]) return false;
    return true;
  }

  #endOf(start: number): number {
    let end = start;
    for (let byte = this.#byte(end); byte !== QUOTE; byte = this.#byte(end)) end += byte === BACKSLASH ? 2 : 1;
    return end;
  }

  #slice(start: number, end: number): Buffer {
    const parts: Buffer[] = [];
    for (let from = start; from < end; ) {
      const within = from % SEGMENT_BYTES;
      const part = this.#segments[Math.floor(from / SEGMENT_BYTES)]!.subarray(within, within + end - from);
      parts.push(part);
      from += part.length;
    }
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  }
}

/** Reads `["…","…"]`. Throws InputError. */
export async function readStrings(reader: ByteReader): Promise<StringTable> {
  await reader.expect('[');
  const table = new StringTable();
  const scan = new StringScan(table);
  for (;;) {
    if (reader.at === reader.end) await reader.more();
    const from = reader.at;
    const sectionStart = table.bytes;
    reader.at = scan.advance(reader, sectionStart);
    table.append(reader.bytes.subarray(from, reader.at));
    if (scan.state === DONE) return table;
    if (reader.at < reader.end) throw reader.unexpected(reader.bytes[reader.at]!, 'a string');
  }
}

const BEFORE = 0;
const INSIDE = 1;
const ESCAPE = 2;
const AFTER = 3;
const DONE = 4;

/** Finds where strings begin, over any number of chunks. */
class StringScan {
  state = BEFORE;
  #table: StringTable;

  constructor(table: StringTable) {
    this.#table = table;
  }

  /** Where the array ends in this chunk, or its end, or the unexpected byte. `start`: the table's offset of the reader's. */
  advance({ bytes, kernel, at: from, end }: ByteReader, start: number): number {
    let { state } = this;
    let at = from;
    for (; at < end && state !== DONE; at++) {
      if (state === INSIDE) at = Math.min(kernel.findQuote(at, end), end - 1);
      const byte = bytes[at]!;
      if (state === INSIDE) {
        // As V8 writes them, nearly always.
        if (
          byte === QUOTE &&
          bytes[at + 1] === COMMA &&
          bytes[at + 2] === NEWLINE &&
          bytes[at + 3] === QUOTE &&
          at + 3 < end
        ) {
          at += 3;
          this.#table.addStart(start + at - from + 1);
        } else if (byte === QUOTE) state = AFTER;
        else if (byte === BACKSLASH) state = ESCAPE;
      } else if (state === ESCAPE) state = INSIDE;
      else if (byte === QUOTE && state === BEFORE) {
        this.#table.addStart(start + at - from + 1);
        state = INSIDE;
      } else if (byte === COMMA && state === AFTER) state = BEFORE;
      else if (byte === CLOSE && (state === AFTER || this.#table.count === 0)) state = DONE;
      else if (!isSpace(byte)) break;
    }
    this.state = state;
    return at;
  }
}
