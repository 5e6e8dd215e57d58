import { readRegular } from './regular-file.ts';

/** Program text of a sane size. */
const PROGRAM = /\.[cm]?[jt]sx?$/;
const MAX_BYTES = 8 << 20;
/** Of all files that are at hand: the oldest go. */
const MAX_CHARACTERS = 32e6;

interface Known {
  lines: readonly string[] | null;
  characters: number;
  /** It was read where it is no larger. */
  maxBytes: number;
}

const files = new Map<string, Known>();
let characters = 0;

/** The lines of a source file; null where it is not at hand, or larger. What is read once is not looked for again. */
export function sourceLines(path: string, maxBytes = MAX_BYTES): readonly string[] | null {
  const known = files.get(path);
  if (known && (known.lines !== null || known.maxBytes >= maxBytes)) return known.lines;
  const text = read(path, maxBytes);
  forget(path);
  const entry: Known = { lines: text?.split('\n') ?? null, characters: path.length + (text?.length ?? 0), maxBytes };
  files.set(path, entry);
  characters += entry.characters;
  for (const oldest of files.keys()) {
    if (characters <= MAX_CHARACTERS || oldest === path) break;
    forget(oldest);
  }
  return entry.lines;
}

/** The same of a path that a recording or a profile names, which may be any file: of program text only. */
export function programLines(path: string): readonly string[] | null {
  return PROGRAM.test(path) ? sourceLines(path) : null;
}

function forget(path: string): void {
  characters -= files.get(path)?.characters ?? 0;
  files.delete(path);
}

function read(path: string, maxBytes: number): string | null {
  try {
    return readRegular(path, maxBytes)?.toString('utf8') ?? null;
  } catch {
    return null; // on another machine, or moved since
  }
}
