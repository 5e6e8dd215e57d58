import { excerpt } from '../../report/excerpt.ts';
import { lineText, type ShownPlace } from '../../util/place-text.ts';
import { asData, nameAsData, pathAsData } from './as-data.ts';

/** What a line of source needs at most. */
const MAX_SOURCE = 140;

/** A place in an answer: where it is, in which function, and its source with the line marked. */
export interface DataPlace {
  at: string;
  function?: string;
  source?: string[];
}

/** Undefined, so that it is left out, where the place is not known. */
export function dataPlace(place: ShownPlace | null | undefined): DataPlace | undefined {
  if (!place || place.file === '' || place.line === 0) return undefined;
  const name = place.function ?? '';
  return { at: pathAsData(lineText(place)), ...(name !== '' && { function: nameAsData(name) }) };
}

/** The same with one line of source around it, if the file is there and is program text. */
export function placeWithSource(place: ShownPlace | null | undefined): DataPlace | undefined {
  const found = dataPlace(place);
  if (!found || !place) return undefined;
  const { file, line, column = 0, function: name = '' } = place;
  const lines = excerpt({ file, line, column, function: name });
  const source = lines.map((one) => `${one.guilty ? '>' : ' '} ${one.line} | ${asData(one.text, MAX_SOURCE)}`);
  return lines.length === 0 ? found : { ...found, source };
}

/** A short stack in one text each: "src/app.js:12:3 handler". */
export function stackLines(stack: readonly ShownPlace[], most: number): string[] {
  return stack.slice(0, most).map((frame) => {
    const { at = '', function: name = '(anonymous)' } = dataPlace(frame) ?? {};
    return at === '' ? nameAsData(frame.function || '(native)') : `${at} ${name}`;
  });
}
