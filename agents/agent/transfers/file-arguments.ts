/** What the arguments of a function of node:fs say: which file, and how much. None of the program's getters is called. */
import { builtIn } from '../../built-in.ts';
import { getOwnPropertyDescriptor, isView, NativeURL } from '../../primordials.ts';
import type { Arguments } from '../tracking/wrap.ts';

export interface Size {
  bytes: number;
  /** The call says where in the file. */
  isPlaced: boolean;
}

const PATH_LIMIT = 500;

/** Of what is written: a text or bytes; null for anything else. */
export function sizeOf(data: unknown): Size | null {
  if (typeof data === 'string') return { bytes: data.length, isPlaced: false };
  return isView(data) ? { bytes: data.byteLength, isPlaced: false } : null;
}

/** (buffer, offset, length, position), (buffer, options), (options) or (text, position), from this argument on. */
export function placedSizeOf(args: Arguments, from: number): Size | null {
  const [first, second, third, fourth] = [args[from], args[from + 1], args[from + 2], args[from + 3]];
  if (typeof first === 'string') return { bytes: first.length, isPlaced: isPosition(second) };
  if (!isView(first)) return optionsSize(first, 0);
  if (typeof second === 'object' && second !== null) return optionsSize(second, first.byteLength);
  const rest = first.byteLength - (typeof second === 'number' ? second : 0);
  return { bytes: typeof third === 'number' ? third : rest, isPlaced: isPosition(fourth) };
}

function optionsSize(options: unknown, bufferBytes: number): Size | null {
  if (typeof options !== 'object' || options === null) return null;
  const buffer = plainValue(options, 'buffer');
  const length = plainValue(options, 'length');
  const bytes = typeof length === 'number' ? length : isView(buffer) ? buffer.byteLength : bufferBytes;
  return bytes > 0 ? { bytes, isPlaced: isPosition(plainValue(options, 'position')) } : null;
}

function plainValue(of: object, name: string): unknown {
  return getOwnPropertyDescriptor(of, name)?.value;
}

/** Null and -1 mean where the last operation ended. */
function isPosition(value: unknown): boolean {
  return (typeof value === 'number' && value >= 0) || (typeof value === 'bigint' && value >= 0n);
}

/** As the program wrote it; null if it is not a path. */
export function pathOf(path: unknown): string | null {
  if (typeof path === 'string') return path.slice(0, PATH_LIMIT);
  if (path instanceof NativeURL) return path.href.slice(0, PATH_LIMIT);
  return fileOf(path);
}

/** What a descriptor, or that of a FileHandle, leads to; null if that is not known. */
export function fileOf(of: unknown): string | null {
  const fd = typeof of === 'number' ? of : typeof of === 'object' && of !== null ? (of as { fd?: unknown }).fd : null;
  try {
    // On Linux, without asking the storage.
    return typeof fd === 'number'
      ? (builtIn<typeof import('node:fs')>('fs')?.readlinkSync(`/proc/self/fd/${fd}`) ?? null)
      : null;
  } catch {
    return null;
  }
}
