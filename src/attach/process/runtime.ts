/** What kind of program an executable is, by what is in it and not by its name. */
import { readFileSync, statSync } from 'node:fs';
import { readAt, readElf, withFile } from './elf.ts';

export type RuntimeKind = 'node' | 'bun' | 'deno' | 'electron' | 'other' | 'unknown';

export interface Runtime {
  /** `unknown`: the executable cannot be read. */
  kind: RuntimeKind;
  /** Of Node, such as "v22.11.0"; null where it does not tell. */
  version: string | null;
  /** The file that holds Node itself, as we reach it: the executable, or libnode. */
  file: string;
}

/** Nothing of these has less. */
const LEAST_BYTES = 8e6;
const STEP = 1 << 22;
/** What Node's own inspector answers to `/json/version`, in its read-only data. */
const NODE = 'node.js/v';
/** Names of environment variables that each reads. */
const OTHERS: readonly (readonly [RuntimeKind, string])[] = [
  ['electron', 'ELECTRON_RUN_AS_NODE'],
  ['bun', 'BUN_INSTALL'],
  ['deno', 'DENO_DIR'],
];
const LONGEST = 64;

const known = new Map<string, Omit<Runtime, 'file'>>();

export function runtimeOf(pid: number): Runtime {
  const executable = `/proc/${pid}/exe`;
  const library = libnodeOf(pid);
  const file = library ?? executable;
  try {
    const { dev, ino, size, mtimeMs } = statSync(file);
    if (size < LEAST_BYTES) return { kind: 'other', version: null, file };
    const key = [dev, ino, size, mtimeMs].join();
    const found = known.get(key) ?? (isOurs(dev, ino) ? own() : search(file));
    known.set(key, found);
    return { ...found, file };
  } catch (error) {
    // It has ended, or belongs to somebody else.
    const isGone = (error as NodeJS.ErrnoException).code === 'ENOENT';
    return { kind: isGone ? 'other' : 'unknown', version: null, file };
  }
}

/** Most processes run the Node that runs evdiag: there is nothing to search for. */
function isOurs(dev: number, ino: number): boolean {
  const { versions, execPath } = process;
  if (versions.electron || versions.bun || versions.deno) return false;
  const ours = statSync(execPath);
  return ours.dev === dev && ours.ino === ino;
}

const own = (): Omit<Runtime, 'file'> => ({ kind: 'node', version: process.version });

/** Debian's and others' Node is a small executable and a library. */
function libnodeOf(pid: number): string | null {
  try {
    const maps = readFileSync(`/proc/${pid}/maps`, 'latin1');
    const path = /\s(\/\S*\/libnode\.so[.\d]*)$/m.exec(maps)?.[1];
    return path ? `/proc/${pid}/root${path}` : null;
  } catch {
    return null;
  }
}

function search(file: string): Omit<Runtime, 'file'> {
  return withFile(file, (open) => {
    const data = readElf(open)?.sections.find(({ name }) => name === '.rodata');
    const { offset, size } = data ?? { offset: 0, size: statSync(file).size };
    let version: string | null = null;
    let other: RuntimeKind | null = null;
    for (let at = 0; at < size; at += STEP) {
      const piece = readAt(open, offset + at, Math.min(STEP + LONGEST, size - at));
      version ??= versionIn(piece);
      other ??= OTHERS.find(([, marker]) => piece.includes(marker, 0, 'latin1'))?.[0] ?? null;
      if (other) break;
    }
    return { kind: other ?? (version ? 'node' : 'other'), version };
  });
}

function versionIn(piece: Buffer): string | null {
  for (let at = piece.indexOf(NODE, 0, 'latin1'); at >= 0; at = piece.indexOf(NODE, at + 1, 'latin1')) {
    const text = piece.toString('latin1', at + NODE.length - 1, at + LONGEST);
    const version = /^v\d+\.\d+\.\d+(?:-[\w.]+)?/.exec(text)?.[0];
    if (version) return version;
  }
  return null;
}
