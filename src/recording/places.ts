import type { Location } from './types.ts';

/** One function, whatever its line: by name, or by where it begins where it has none. */
export function functionKey({ file, function: name, start }: Location): string {
  return `${file}|${name || (start ?? '')}`;
}

/** One line and column of a file. */
export function lineKey({ file, line, column }: Pick<Location, 'file' | 'line' | 'column'>): string {
  return `${file}:${line}:${column}`;
}

/** The same without the column. */
export function fileAndLine({ file, line }: Pick<Location, 'file' | 'line'>): string {
  return `${file}:${line}`;
}

/** The place of a frame, without what only a stack is interested in. */
export function toLocation({ file, line, column, function: name, start }: Location): Location {
  return { file, line, column, function: name, ...(start !== undefined && { start }) };
}

/** The package whose file it is, "@scope/name"; null where it is no package's. */
export function packageNameOf(file: string): string | null {
  return /.*[\\/]node_modules[\\/]((?:@[^\\/]+[\\/])?[^\\/]+)/.exec(file)?.[1]?.replace('\\', '/') ?? null;
}
/** Name of a frame: a native call that nothing names. */
export const NATIVE_CALL = '(native call)';
