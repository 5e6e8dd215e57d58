import { closeSync, fstatSync } from 'node:fs';
import { requireKind } from '../recording/file-kinds.ts';
import { accessError, InputError } from '../recording/input-error.ts';
import { parseJson } from '../recording/parse-json.ts';
import { notRegular, openRegular, readBytes } from '../util/regular-file.ts';
import { isOldCpuProfile } from './old-cpuprofile.ts';
import { readCollapsed } from './read-collapsed.ts';
import { type ReadCpuProfileOptions, readCpuProfile } from './read-cpuprofile.ts';
import { DUMP_SCHEMAS, readDump } from './read-dump.ts';
import { readHeapProfile } from './read-heapprofile.ts';
import { readPprof } from './read-pprof.ts';
import { readSpeedscope } from './read-speedscope.ts';
import { readTicks } from './read-ticks.ts';
import { readV8Log } from './read-v8-log.ts';
import type { Profile } from './types.ts';

const HINT = 'Give a profile, or take one with "evdiag profile PID".';
/** JavaScript strings cannot be longer. */
const MAX_BYTES = 500e6;

/** Reads a profile of any format it knows by its content. Throws InputError. */
export function readProfile(path: string): Profile {
  requireKind(path, 'profile');
  const bytes = bytesOf(path);
  try {
    return profileOf(bytes, path);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    throw new InputError(`"${path}" is not a readable profile: ${error.message}`);
  }
}

function bytesOf(path: string): Buffer {
  let descriptor: number | null = null;
  try {
    descriptor = openRegular(path);
    if (descriptor === null) throw notRegular(path, HINT);
    const { size } = fstatSync(descriptor);
    if (size === 0) throw new InputError(`"${path}" is empty. ${HINT}`);
    if (size > MAX_BYTES)
      throw new InputError(`"${path}" has ${Math.round(size / 1e6)} MB, the limit is 500. Record for a shorter time.`);
    return readBytes(descriptor, size);
  } catch (error) {
    throw error instanceof InputError ? error : accessError(error, path, HINT);
  } finally {
    if (descriptor !== null) closeSync(descriptor);
  }
}

function profileOf(bytes: Buffer, path: string): Profile {
  const title = titleOf(path);
  const first = bytes.subarray(0, 256).toString('latin1').trimStart()[0];
  if (first === '{') return ofJson(parseJson(bytes), title);
  if (first === '[') return { title, kind: 'cpu', unit: 'samples', threads: [readTicks(parseJson(bytes))] };
  if (bytes.subarray(0, 11).toString('latin1') === 'v8-version,') {
    throw new InputError(
      `it is an unprocessed V8 log. "node --prof-process --preprocess LOG > log.json" makes a file that can.`,
    );
  }
  // A pprof file begins with a field of its message, or with gzip's two bytes.
  if (bytes[0] === 0x0a || bytes[0] === 0x1f) return { title, ...readPprof(bytes) };
  return { title, kind: 'other', unit: 'samples', threads: [readCollapsed(bytes.toString('utf8'))] };
}

/** For a folder of 0x, its name says more than that of a file in it. */
function titleOf(path: string): string {
  const [folder = '', name = path] = path.split(/[\\/]/).slice(-2);
  return folder.endsWith('.0x') ? folder : name;
}

function ofJson(value: unknown, title: string): Profile {
  const file = value as Record<string, unknown>;
  if ('shared' in file && 'profiles' in file) {
    const { unit, threads } = readSpeedscope(file);
    return { title, kind: unit === 'bytes' ? 'in-use-space' : unit === 'us' ? 'cpu' : 'other', unit, threads };
  }
  if (DUMP_SCHEMAS.includes(file.schema)) return { title, ...readDump(file) };
  if ('head' in file && !isOldCpuProfile(file))
    return { title, kind: kindOf(file), unit: 'bytes', threads: [readHeapProfile(file)] };
  if ('code' in file && 'ticks' in file) return { title, kind: 'cpu', unit: 'us', threads: [readV8Log(file)] };
  if ('nodes' in file || 'head' in file)
    return { title, kind: 'cpu', unit: 'us', threads: [readCpuProfile(file, originOf(title))] };
  throw new InputError(
    'it is JSON, but none of .cpuprofile, .heapprofile, speedscope, V8 log and evdiag dump. Other formats are pprof, collapsed stacks, and the folders of 0x and clinic flame.',
  );
}

/** Node's --cpu-prof has the process number in the name of the file: CPU.20260102.030405.4711.0.001.cpuprofile. */
function originOf(name: string): ReadCpuProfileOptions {
  const [, pid, threadId] = /^CPU\.\d{8}\.\d{6}\.(\d{1,10})\.(\d{1,10})\.\d+\.cpuprofile$/.exec(name) ?? [];
  return pid === undefined ? {} : { origin: { pid: Number(pid), threadId: Number(threadId) } };
}

/** Our own files say which of the two it is; others have what is still alive. */
function kindOf({ evdiag }: Record<string, unknown>): Profile['kind'] {
  return (evdiag as { kind?: unknown } | undefined)?.kind === 'alloc-space' ? 'alloc-space' : 'in-use-space';
}
