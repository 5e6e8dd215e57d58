import { lineKey } from '../../recording/places.ts';
import type { Frame, Location } from '../../recording/types.ts';
import { stripControl } from '../../util/text.ts';

const MAX_NAME = 200;

/** The whole path, for viewers that may be elsewhere; empty if there is no file. */
export function fullPlace(location: Pick<Location, 'file' | 'line' | 'column'> | null | undefined): string {
  return location && location.file !== '' ? clean(lineKey(location)) : '';
}

export function frameName({ function: name, file }: Frame): string {
  return name || (file ? `(anonymous) ${fileName(file)}` : '(anonymous)');
}

export function fileName(path: string): string {
  return path.split(/[\\/]/).at(-1) ?? path;
}

/** Names come from the program: they may hold anything, in any length. */
export function clean(text: string): string {
  return stripControl(text).slice(0, MAX_NAME);
}
