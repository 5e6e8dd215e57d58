import type { Location } from '../recording/types.ts';
import { programLines } from '../util/source-lines.ts';
import { stripControl } from '../util/text.ts';

const MAX_COLUMNS = 160;

export interface ExcerptLine {
  line: number;
  text: string;
  guilty: boolean;
}

/** The line of a location with one line around it, or [] if the file is not available. */
export function excerpt(location: Location): ExcerptLine[] {
  const lines = programLines(location.file);
  if (lines === null || lines[location.line - 1] === undefined) return [];
  const near = [location.line - 1, location.line, location.line + 1].filter((line) => lines[line - 1]?.trim());
  const texts = near.map((line) => (lines[line - 1] ?? '').replaceAll('\t', '  '));
  const indent = Math.min(...texts.map((text) => text.length - text.trimStart().length));
  return near.map((line, i) => ({ line, text: shorten(texts[i] ?? '', indent), guilty: line === location.line }));
}

function shorten(text: string, indent: number): string {
  return stripControl(text.slice(indent, indent + MAX_COLUMNS)).trimEnd();
}
