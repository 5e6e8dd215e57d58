import type { Location } from './types.ts';

/** One function, whatever the line: by name, or by its beginning if it has none. */
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

/** The place of a frame, without the fields that only stacks need. */
export function toLocation({ file, line, column, function: name, start }: Location): Location {
  return { file, line, column, function: name, ...(start !== undefined && { start }) };
}

/** The package that the file belongs to, "@scope/name"; null if none. */
export function packageNameOf(file: string): string | null {
  return /.*[\\/]node_modules[\\/]((?:@[^\\/]+[\\/])?[^\\/]+)/.exec(file)?.[1]?.replace('\\', '/') ?? null;
}
/** Name of the frame of a native call without a name. */
export const NATIVE_CALL = '(native call)';
