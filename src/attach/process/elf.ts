/** Reads the parts of an ELF executable that tell what it is: sections, and where a symbol is. 64 bits, little-endian: else null. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

interface Section {
  name: string;
  address: number;
  offset: number;
  size: number;
}

export interface Elf {
  /** Addresses count from where it is loaded. */
  isRelocatable: boolean;
  sections: Section[];
}

const MAX_SECTIONS = 200;
/** More is no executable that we know: Electron's has 150 MB. */
const MAX_READ = 400e6;
const HEADER_BYTES = 64;
const SYMBOL_BYTES = 24;

/** Runs on an open file, and closes it. */
export function withFile<T>(path: string, use: (file: number) => T): T {
  const file = openSync(path, 'r');
  try {
    return use(file);
  } finally {
    closeSync(file);
  }
}

export function readAt(file: number, offset: number, size: number): Buffer {
  if (size < 0 || size > MAX_READ) throw new RangeError('This is too much.');
  const buffer = Buffer.allocUnsafe(size);
  let at = 0;
  while (at < size) {
    const read = readSync(file, buffer, at, size - at, offset + at);
    if (read === 0) break;
    at += read;
  }
  return buffer.subarray(0, at);
}

export function readElf(file: number): Elf | null {
  if (fstatSync(file).size < HEADER_BYTES) return null;
  const header = readAt(file, 0, HEADER_BYTES);
  const isOurs = header.readUInt32BE(0) === 0x7f454c46 && header[4] === 2 && header[5] === 1;
  const count = header.readUInt16LE(60);
  if (!isOurs || count === 0 || count > MAX_SECTIONS) return null;
  const table = readAt(file, Number(header.readBigUInt64LE(40)), count * 64);
  const raw = Array.from({ length: Math.floor(table.length / 64) }, (_, i) => {
    const at = i * 64;
    return {
      nameAt: table.readUInt32LE(at),
      address: Number(table.readBigUInt64LE(at + 16)),
      offset: Number(table.readBigUInt64LE(at + 24)),
      size: Number(table.readBigUInt64LE(at + 32)),
    };
  });
  const names = raw[header.readUInt16LE(62)];
  if (!names) return null;
  const text = readAt(file, names.offset, Math.min(names.size, 1 << 16)).toString('latin1');
  const nameOf = (at: number): string => text.slice(at, text.indexOf('\0', at));
  return {
    isRelocatable: header.readUInt16LE(16) === 3,
    sections: raw.map(({ nameAt, ...rest }) => ({ name: nameOf(nameAt), ...rest })),
  };
}

/** The address of the first of these symbols that the executable has kept; null where it was stripped. */
export function symbolAddress(file: number, { sections }: Elf, names: readonly string[]): number | null {
  const part = (name: string): Buffer | null => {
    const section = sections.find((one) => one.name === name);
    return section ? readAt(file, section.offset, section.size) : null;
  };
  const [texts, symbols] = [part('.strtab'), part('.symtab')];
  if (!texts || !symbols) return null;
  for (const name of names) {
    const at = texts.indexOf(`\0${name}\0`, 0, 'latin1');
    if (at < 0) continue;
    for (let i = 0; i + SYMBOL_BYTES <= symbols.length; i += SYMBOL_BYTES) {
      if (symbols.readUInt32LE(i) === at + 1) return Number(symbols.readBigUInt64LE(i + 8));
    }
  }
  return null;
}
