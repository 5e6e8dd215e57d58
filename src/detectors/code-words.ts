/** Functions within sentences: also those of code that is in no file. */

import type { Frame, Location } from '../recording/types.ts';
import { isInNoFile } from '../util/code-places.ts';

type Named = Pick<Location, 'function' | 'file'>;

/** How V8 names code made by `eval` or `new Function` as a whole. */
const EVAL_NAME = 'eval';

/** "render", or what is known of a function that has no name, or no file. */
export function nameOf({ function: name, file }: Named): string {
  if (name === EVAL_NAME) return 'code made by eval or new Function';
  const words = name || 'an anonymous function';
  return isInNoFile(file) ? `${words}, in code that node:vm compiled without a file name` : words;
}

/** The same at the beginning of a sentence. */
export function functionSubject(place: Named): string {
  const words = nameOf(place);
  return place.function === '' || place.function === EVAL_NAME ? words[0]!.toUpperCase() + words.slice(1) : words;
}

/** ", which runs code compiled by node:vm (crunch, line 3 of it)": if what runs at a place is such code; '' otherwise. */
export function compiledWords(frames: readonly Frame[], { file }: Named): string {
  if (isInNoFile(file)) return '';
  const place = frames.findIndex((frame) => frame.file === file);
  const inner = frames.slice(0, Math.max(0, place)).find((frame) => isInNoFile(frame.file));
  if (!inner) return '';
  const name = inner.function === '' ? '' : `${inner.function}, `;
  return `, which runs code compiled by node:vm (${name}line ${inner.line} of it)`;
}
