import { type Dirent, existsSync, readdirSync, type Stats, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { InputError } from '../../util/input-error.ts';

const PROFILE = /\.(cpuprofile|heapprofile|pb(\.gz)?|pprof|speedscope(\.json)?|collapsed|folded)$/;
/** What clinic flame and 0x leave, the most informative first: V8's log has times. */
const FOREIGN = [/^isolate.*\.log\.json$/, /\.clinic-flame-samples$/, /^ticks\.json$/];
/** Among them, V8's log as it was written. */
const RAW_LOG = /^isolate.*\.log$/;
/** Folders in folders: a family of recordings. */
const MAX_DEPTH = 4;

interface Found {
  path: string;
  modifiedMs: number;
}

/** The profiles in a folder, the newest first, at least one. Throws InputError. */
export function profilesIn(folder: string): [string, ...string[]] {
  const found: Found[] = [];
  const look = (at: string, depth: number): void => {
    const entries = entriesOf(at);
    const names = entries.flatMap((entry) => (entry.isFile() ? [entry.name] : []));
    for (const name of [...names.filter((name) => PROFILE.test(name)), ...foreignIn(at, names)]) {
      found.push({ path: join(at, name), modifiedMs: statsOf(join(at, name))?.mtimeMs ?? 0 });
    }
    for (const entry of entries) if (entry.isDirectory() && depth < MAX_DEPTH) look(join(at, entry.name), depth + 1);
  };
  look(folder, 0);
  const [newest, ...others] = found.sort((a, b) => b.modifiedMs - a.modifiedMs).map(({ path }) => path);
  if (newest === undefined) throw new InputError(`There is no profile in "${folder}". ${adviceFor(folder)}`);
  return [newest, ...others];
}

/** Whether a file is named as profiles are: some of their formats are so plain that other text can be read as one. */
export function isNamedAsProfile(path: string): boolean {
  const name = basename(path);
  return PROFILE.test(name) || name.endsWith('.json') || [...FOREIGN, RAW_LOG].some((pattern) => pattern.test(name));
}

/** Files may be removed meanwhile, and some may be unreadable. */
function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}

function statsOf(file: string): Stats | undefined {
  try {
    return statSync(file);
  } catch {
    return undefined;
  }
}

/** The one file of a folder of 0x or clinic flame that holds its samples. */
function foreignIn(folder: string, names: readonly string[]): string[] {
  for (const pattern of FOREIGN) {
    const found = names.filter((name) => pattern.test(name));
    // 0x shows one thread too: the one that did most.
    const size = (name: string): number => statsOf(join(folder, name))?.size ?? 0;
    if (found.length > 0) return [found.reduce((a, b) => (size(b) > size(a) ? b : a))];
  }
  return [];
}

function adviceFor(folder: string): string {
  const names = entriesOf(folder).map(({ name }) => name);
  const isDoctors = (name: string): boolean => /\.clinic-doctor(-\w+)?$/.test(name);
  if (isDoctors(basename(folder)) || names.some(isDoctors))
    return `clinic doctor takes no profiles: "evdiag report ${folder}" shows what it recorded.`;
  const log = names.find((name) => RAW_LOG.test(name));
  if (log !== undefined) {
    return `Its V8 log is not processed yet: run "node --prof-process --preprocess ${log} > ${log}.json" there.`;
  }
  if (existsSync(join(folder, 'flamegraph.html')))
    return 'The HTML page of 0x is not enough: give the whole folder that 0x wrote.';
  return 'Take one with "evdiag profile PID".';
}
