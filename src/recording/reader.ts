/**
 * Reads recordings back. Recordings are hostile input: they come by mail, from other machines and half written, so every
 * field is checked, everything is bounded, and only regular files are opened.
 */
import { closeSync, fstatSync, openSync, readdirSync, readSync, type Stats, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { OLDER_FILE, RECORDING_FILE } from './paths.ts';
import { FORMAT_MAJOR, type Header, type Recording, type Row, type RowOf, type RowType, STALL_KINDS } from './types.ts';

const CHUNK_BYTES = 1 << 20;
const MAX_LINE_BYTES = 4 << 20;
const NEWLINE = 10;
const FAMILY_NAME = /^\d{8}-\d{6}-\d+$/;
const HINT = 'Give the folder that the agent printed, or the .evdiag folder.';

/** The input cannot be read; the message is one sentence or two that say what to do. */
export class InputError extends Error {
  override name = 'InputError';
}

/** The recordings of one program and its children. */
export interface Family {
  path: string;
  /** At least one; the root process first. */
  recordings: Recording[];
  /** Why further recordings of the family could not be read. */
  unreadable: string[];
}

/** Reads a recording folder or file, a family of them, or the newest family of an EVDIAG_OUT folder. Throws InputError. */
export function readRecording(input: string): Recording[] {
  return readFamily(input).recordings;
}

export function readFamily(input: string): Family {
  const { path, sources } = locate(resolve(input), input);
  const recordings: Recording[] = [];
  const unreadable: string[] = [];
  for (const files of sources) {
    try {
      recordings.push(readFiles(files));
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      unreadable.push(error.message);
    }
  }
  if (recordings.length === 0) throw new InputError(unreadable[0] ?? `"${input}" holds no recording. ${HINT}`);
  return { path, recordings: rootFirst(recordings), unreadable };
}

function rootFirst(recordings: Recording[]): Recording[] {
  const pids = new Set(recordings.map(({ header }) => header.pid));
  const depth = ({ header }: Recording) => (pids.has(header.parentPid) && header.parentPid !== header.pid ? 1 : 0);
  return recordings.sort((a, b) => depth(a) - depth(b) || a.header.startMonotonicMs - b.header.startMonotonicMs);
}

/* ---- where the files are ---- */

/** The files of one recording, oldest first. */
type Source = string[];

function locate(path: string, input: string): { path: string; sources: Source[] } {
  const stats = statOf(path, input);
  if (stats.isFile()) {
    const source = basename(path) === RECORDING_FILE ? sourceIn(dirname(path)) : null;
    return { path: dirname(path), sources: [source ?? [path]] };
  }
  if (!stats.isDirectory()) throw new InputError(`"${input}" is neither a file nor a folder. ${HINT}`);
  const own = sourceIn(path);
  if (own !== null) return { path, sources: [own] };
  const folders = foldersIn(path, input);
  const sources = folders.map((name) => sourceIn(join(path, name))).filter((source) => source !== null);
  return sources.length > 0 ? { path, sources } : newestFamily(path, folders, input);
}

function newestFamily(path: string, folders: string[], input: string): { path: string; sources: Source[] } {
  const names = folders.filter((name) => FAMILY_NAME.test(name)).sort(byFamilyName);
  for (const name of names.reverse()) {
    const family = join(path, name);
    const sources = foldersIn(family, input).map((child) => sourceIn(join(family, child)));
    const found = sources.filter((source) => source !== null);
    if (found.length > 0) return { path: family, sources: found };
  }
  throw new InputError(`"${input}" is not a recording: it has no ${RECORDING_FILE}. ${HINT}`);
}

/** By date and time, then by pid as a number. */
function byFamilyName(a: string, b: string): number {
  const when = a.slice(0, 15).localeCompare(b.slice(0, 15));
  return when !== 0 ? when : Number(a.slice(16)) - Number(b.slice(16));
}

function sourceIn(folder: string): Source | null {
  const files = [OLDER_FILE, RECORDING_FILE].map((name) => join(folder, name)).filter((file) => exists(file));
  return files.length > 0 ? files : null;
}

function exists(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return true; // not ours to see: opening it says why
  }
}

function foldersIn(path: string, input: string): string[] {
  try {
    return readdirSync(path).filter((name) => isFolder(join(path, name)));
  } catch (error) {
    throw accessError(error, input);
  }
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false; // a dangling link, or not ours to see
  }
}

function statOf(path: string, input: string): Stats {
  try {
    return statSync(path);
  } catch (error) {
    throw accessError(error, input);
  }
}

function accessError(error: unknown, input: string): InputError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
  if (code === 'ENOENT' || code === 'ENOTDIR') return new InputError(`"${input}" does not exist. ${HINT}`);
  if (code === 'EACCES' || code === 'EPERM') {
    return new InputError(`"${input}" cannot be read: permission denied. Read it as the user who recorded it.`);
  }
  return new InputError(`"${input}" cannot be read (${code}). ${HINT}`);
}

/* ---- one recording ---- */

function readFiles(files: Source): Recording {
  const last = files.at(-1) ?? '';
  const parts: Part[] = [];
  let failure: InputError | null = null;
  for (const file of files) {
    try {
      parts.push(readFile(file));
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      failure = error;
    }
  }
  // A process killed between two chunks leaves the newer one without a header: the older one still counts.
  const header = parts.at(-1)?.header;
  if (header === undefined) throw failure ?? new InputError(`"${last}" is not a recording. ${HINT}`);
  const same = parts.filter((part) => sameProcess(part.header, header));
  const rows = same.flatMap((part) => part.rows);
  if (rows.some((row, i) => row.t < (rows[i - 1]?.t ?? row.t))) rows.sort((a, b) => a.t - b.t);
  return {
    header: same[0]?.header ?? header,
    rows,
    durationMs: Math.max(0, rows.at(-1)?.t ?? 0),
    droppedRows: rows.reduce((sum, row) => sum + (row.type === 'dropped' ? Math.max(0, row.rows) : 0), 0),
    skippedLines: same.reduce((sum, part) => sum + part.skippedLines, 0),
    truncated: failure !== null || (same.at(-1)?.truncated ?? false),
    path: dirname(last),
  };
}

function sameProcess(a: Header, b: Header): boolean {
  return a.pid === b.pid && a.startedAt === b.startedAt;
}

interface Part {
  header: Header;
  rows: Row[];
  skippedLines: number;
  truncated: boolean;
}

function readFile(file: string): Part {
  let header: Header | null = null;
  const part = { rows: [] as Row[], skippedLines: 0, truncated: false };
  for (const line of linesOf(file)) {
    if (header === null) header = headerOf(line, file);
    else if (!line.whole) part.truncated = true;
    else addRow(part, line.text);
  }
  if (header === null)
    throw new InputError(`"${file}" is empty: the program ended before its first row. Record it again.`);
  return { header, ...part };
}

function addRow(part: { rows: Row[]; skippedLines: number }, text: string | null): void {
  const value = parse(text);
  if (isRow(value)) part.rows.push(value);
  else if (!(isObject(value) && value.type === 'header')) part.skippedLines++;
}

function headerOf(line: Line, file: string): Header {
  const value = line.whole ? parse(line.text) : undefined;
  if (!line.whole && line.text?.startsWith('{"t":0,"type":"header"')) {
    throw new InputError(`"${file}" was cut off within its first line. Record it again.`);
  }
  if (!isObject(value) || value.type !== 'header' || value.format !== 'evdiag-recording') {
    throw new InputError(`"${file}" is not a recording: its first line is not the header of one. ${HINT}`);
  }
  const major = value.major;
  if (typeof major === 'number' && major > FORMAT_MAJOR) {
    throw new InputError(
      `"${file}" has recording format ${major}, and this evdiag reads up to ${FORMAT_MAJOR}. Update evdiag.`,
    );
  }
  value.threadId ??= 0;
  const wrong = Object.entries(HEADER).find(([field, check]) => !check(value[field]));
  if (wrong !== undefined)
    throw new InputError(`"${file}" has a damaged header: "${wrong[0]}" is wrong. Record it again.`);
  return value as unknown as Header;
}

interface Line {
  /** null where the line is longer than any that the agent writes. */
  text: string | null;
  /** It ended with a newline. */
  whole: boolean;
}

function* linesOf(file: string): Generator<Line> {
  const fd = open(file);
  try {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    // What is written while we read belongs to the next look: a reader must not chase a live writer for ever.
    let left = fstatSync(fd).size;
    let pending: Buffer[] = [];
    let pendingBytes = 0;
    while (left > 0) {
      const count = readSync(fd, chunk, 0, Math.min(left, CHUNK_BYTES), null);
      if (count === 0) break;
      left -= count;
      const bytes = chunk.subarray(0, count);
      let from = 0;
      for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, from)) {
        yield { text: lineText(pending, pendingBytes, bytes.subarray(from, end)), whole: true };
        pending = [];
        pendingBytes = 0;
        from = end + 1;
      }
      pendingBytes += count - from;
      // The chunk is written over by the next read, so that the rest of the line must be copied.
      if (pendingBytes <= MAX_LINE_BYTES) pending.push(Buffer.from(bytes.subarray(from)));
    }
    if (pendingBytes > 0) yield { text: lineText(pending, pendingBytes, Buffer.alloc(0)), whole: false };
  } finally {
    closeSync(fd);
  }
}

function lineText(pending: Buffer[], pendingBytes: number, rest: Buffer): string | null {
  if (pendingBytes + rest.length > MAX_LINE_BYTES) return null;
  return (pending.length === 0 ? rest : Buffer.concat([...pending, rest])).toString('utf8');
}

function open(file: string): number {
  try {
    // A pipe or a device in place of the file would hang or never end.
    if (!statSync(file).isFile()) throw new InputError(`"${file}" is not a file. ${HINT}`);
    return openSync(file, 'r');
  } catch (error) {
    throw error instanceof InputError ? error : accessError(error, file);
  }
}

function parse(text: string | null): unknown {
  try {
    return text === null ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/* ---- what a row must look like ---- */

type Check = (value: unknown) => boolean;
type Fields = Record<string, Check>;

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const number: Check = (value) => Number.isFinite(value);
const string: Check = (value) => typeof value === 'string';
const boolean: Check = (value) => typeof value === 'boolean';
const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);
const oneOf =
  (...values: readonly unknown[]): Check =>
  (value) =>
    values.includes(value);
const arrayOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);
const object =
  (fields: Fields): Check =>
  (value) =>
    isObject(value) && Object.entries(fields).every(([field, check]) => check(value[field]));
const numbers: Check = (value) => isObject(value) && Object.values(value).every(number);

const kind = oneOf(...STALL_KINDS);
const LOCATION = { file: string, line: number, column: number, function: string };
const location = orNull(object(LOCATION));
const frame = object({ ...LOCATION, category: oneOf('application', 'dependency', 'node', 'native') });
const stack = object({ weightMs: number, kind, frames: arrayOf(frame), location });

const HEADER: { [K in Exclude<keyof Header, 'type' | 'format'>]: Check } = {
  t: number,
  major: number,
  minor: number,
  evdiagVersion: string,
  nodeVersion: string,
  v8Version: string,
  libuvVersion: string,
  pid: number,
  parentPid: number,
  threadId: number,
  argv: arrayOf(string),
  startedAt: string,
  startMonotonicMs: number,
  level: oneOf('watch', 'diagnose'),
  slowMs: number,
  samplers: arrayOf(string),
  platform: string,
  arch: string,
  cpuCount: number,
  containerCpus: orNull(number),
  containerMemoryBytes: orNull(number),
};

const ROWS: { [T in RowType]: { [K in Exclude<keyof RowOf<T>, 't' | 'type'>]: Check } } = {
  'active-resources': { total: number, counts: numbers },
  'agent-cost': {
    intervalMs: number,
    mainThreadMs: number,
    watchdogMs: orNull(number),
    stacks: number,
    recordingBytes: number,
  },
  'agent-error': { message: string },
  cpu: {
    intervalMs: number,
    userMs: number,
    systemMs: number,
    mainThreadMs: orNull(number),
    runQueueMs: orNull(number),
  },
  dropped: { rows: number, why: string },
  end: { reason: oneOf('exit', 'signal'), exitCode: orNull(number), signal: orNull(string) },
  'event-loop-delay': {
    count: number,
    meanMs: number,
    p50Ms: number,
    p90Ms: number,
    p99Ms: number,
    maxMs: number,
    heartbeatMaxMs: number,
  },
  'event-loop-utilization': { utilization: number, activeMs: number, idleMs: number },
  gc: { count: number, totalMs: number, maxMs: number, majorCount: number, majorMs: number },
  memory: {
    rssBytes: number,
    heapUsedBytes: number,
    heapTotalBytes: number,
    heapLimitBytes: number,
    externalBytes: number,
    arrayBuffersBytes: number,
    spaces: numbers,
  },
  stall: {
    id: number,
    startMs: number,
    durationMs: number,
    kind,
    location,
    stacks: arrayOf(stack),
    cpuMs: orNull(number),
    runQueueMs: orNull(number),
    gcMs: number,
    startup: boolean,
    debugger: boolean,
    waiting: orNull(number),
    confidence: number,
  },
  'stall-open': { id: number, startMs: number, durationMs: number, kind: orNull(kind), location },
};

function isRow(value: unknown): value is Row {
  if (!isObject(value) || !number(value.t)) return false;
  const type = value.type;
  if (typeof type !== 'string' || !Object.hasOwn(ROWS, type)) return false;
  return object(ROWS[type as RowType])(value);
}
