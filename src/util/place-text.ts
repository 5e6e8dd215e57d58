/** Places of program text in words: every report and message writes them in this way. */
import { displayPath, stripControl } from './text.ts';

/** A line, with as many details as should be shown. */
export interface ShownPlace {
  file: string;
  line: number;
  column?: number;
  function?: string;
}

/** "src/app.js:12:3", as a person would type it; "src/app.js:12" where no column is given. */
export function lineText({ file, line, column }: ShownPlace): string {
  return `${displayPath(file)}:${line}${column === undefined ? '' : `:${column}`}`;
}

/** "src/app.js:12:3 handler" */
export function placeText(place: ShownPlace): string {
  const name = stripControl(place.function ?? '');
  return name === '' ? lineText(place) : `${lineText(place)} ${name}`;
}
