import { readRegular } from './regular-file.ts';

/** The largest program text that is read. */
const PROGRAM = /\.[cm]?[jt]sx?$/;
const MAX_BYTES = 8 << 20;
/** Of all cached files together: the oldest are dropped. */
const MAX_CHARACTERS = 32e6;

interface Known {
  lines: readonly string[] | null;
  characters: number;
  /** It was read if it is no larger than this. */
  maxBytes: number;
}

const files = new Map<string, Known>();
let characters = 0;

/** The lines of a source file; null if it is not there, or larger. A file is read once. */
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

/** The same for a path from a recording or a profile, which may be any file: program text only. */
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
