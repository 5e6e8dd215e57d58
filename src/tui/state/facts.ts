/** What the tabs read from the rows. */

import type { Location, Recording, RowOf, RowType } from '../../recording/types.ts';
import { lineText, placeText } from '../../util/place-text.ts';
import { sparkline, stripControl } from '../../util/text.ts';
import { after, rowsOf } from './rows.ts';
import { line, paragraph, span } from './text.ts';
import type { Line, Tone, Tools } from './types.ts';

/** The longest trend that is shown: older values would hide the current ones. */
const TREND_MS = 120_000;
/** With few readings, bars are at most this wide. */
const MAX_BAR = 3;

/** Bars of the last two minutes, or of all if that is less. */
export function trend<T extends RowType>(
  recording: Recording,
  type: T,
  value: (row: RowOf<T>) => number,
  width: number,
): string {
  const endMs = recording.durationMs;
  const fromMs = Math.max(0, endMs - TREND_MS);
  const rows = rowsOf(recording, type);
  const points = rows.slice(after(rows, fromMs)).map((row) => ({ t: row.t - fromMs, value: value(row) }));
  if (points.length === 0) return '';
  const bars = sparkline(points, endMs - fromMs, Math.max(1, Math.min(width, points.length)));
  const wide = Math.min(MAX_BAR, Math.floor(width / bars.length));
  return bars.replace(/./g, (bar) => bar.repeat(wide));
}

/** "app.js:12 handler", short enough for a column. */
export function shortPlace(location: Location | null): string {
  if (location === null) return 'place not known';
  const name = stripControl(location.function) || '(anonymous)';
  return `${name} ${lineText({ file: location.file, line: location.line })}`;
}

/** A place and the source around it. */
export function placeLines(location: Location | null, { excerpt }: Tools): Line[] {
  if (location === null) return [];
  const lines = excerpt(location);
  const digits = String(lines.at(-1)?.line ?? 0).length;
  return [
    line(placeText(location), 'accent'),
    ...lines.map(({ line: number, text, guilty }) => [
      span(`${guilty ? '>' : ' '} ${String(number).padStart(digits)} │ `, guilty ? 'bad' : 'dim'),
      span(text, guilty ? 'strong' : 'dim'),
    ]),
  ];
}

/** For any number of values: too many arguments of Math.max overflow the stack. */
export function largest(values: readonly number[], least = Number.NEGATIVE_INFINITY): number {
  return values.reduce((most, value) => Math.max(most, value), least);
}

/** Label and value, one below the other. */
export function factLines(facts: readonly (readonly [string, string, Tone?])[], width: number): Line[] {
  const labels = Math.max(...facts.map(([label]) => label.length)) + 2;
  return facts.flatMap(([label, value, tone = 'plain']) =>
    paragraph(value, width - labels, tone).map((text, i) => [
      span((i === 0 ? label : '').padEnd(labels), 'dim'),
      ...text,
    ]),
  );
}

/** Why a recording has no rows of what is tracked, and how to get them. */
export function untracked({ foreign }: Recording): string {
  if (foreign !== undefined) return `No data: a recording of ${foreign} has no such data; evdiag run records it.`;
  return 'No data yet at level watch: what is started is followed from some moments after the start on, and not in a thread that lives from awaits alone. Level diagnose begins with the program (press L in a live view; or evdiag run, or EVDIAG_LEVEL=diagnose).';
}
