import type { Paint } from '../util/terminal.ts';
import { formatBytes, formatCount, stripControl, wrap } from '../util/text.ts';
import type { LeakReport, PathStep, Suspect } from './types.ts';
import { headline, namedPlace, perMinute, snapshotText, stepText } from './words.ts';

const MAX_SHOWN = 12;
const MAX_PATH = 9;
const INDENT = '   ';

/** The report for a terminal. */
export function leaksText(report: LeakReport, { paint, width }: { paint: Paint; width: number }): string {
  const shown = report.suspects.slice(0, MAX_SHOWN);
  const more = report.suspects.length - shown.length;
  return [
    paint(headline(report), 'bold'),
    paint(snapshotText(report), 'dim'),
    '',
    ...shown.flatMap((suspect, i) => [...suspectLines(suspect, i + 1, paint, width), '']),
    ...(more > 0 ? [`${formatCount(more)} smaller ones are left out: --json has them all.`, ''] : []),
    ...report.notes.flatMap((note) => wrap(note, width)),
  ]
    .join('\n')
    .replace(/\n*$/, '\n');
}

function suspectLines(suspect: Suspect, number: number, paint: Paint, width: number): string[] {
  const place = namedPlace(suspect.place);
  const rate = perMinute(suspect);
  const head = `${String(number).padStart(2)} ${paint(stripControl(suspect.holder), suspect.confidence === 'likely' ? 'red' : 'yellow', 'bold')}`;
  const lines = wrap(stripControl(suspect.message), width - INDENT.length);
  return [
    place === '' ? head : `${head}  ${paint(place, 'cyan')}`,
    ...lines.map((line) => `${INDENT}${line}`),
    ...(rate === null ? [] : [`${INDENT}${rate}`]),
    ...pathLines(suspect.path, paint),
    ...wrap(stripControl(suspect.remedy), width - INDENT.length - 2).map(
      (line, i) => `${INDENT}${i === 0 ? '→' : ' '} ${line}`,
    ),
  ];
}

/** The path below the holder, which is printed before, with what each step holds in a column. */
function pathLines(path: readonly PathStep[], paint: Paint): string[] {
  const steps = path.slice(1);
  const shown = steps.length > MAX_PATH ? [...steps.slice(0, MAX_PATH - 3), null, ...steps.slice(-2)] : steps;
  const rows = shown.map((step, i) => {
    const indent = `${INDENT}${'  '.repeat(Math.min(i, 6))}`;
    if (step === null) return { text: `${indent}…`, bytes: '' };
    const place = step.place ? `  ${namedPlace({ ...step.place, function: '' })}` : '';
    return { text: `${indent}${stepText(step)}${place}`, bytes: step.bytes === null ? '' : formatBytes(step.bytes) };
  });
  const column = Math.max(0, ...rows.map(({ text }) => text.length)) + 2;
  return rows.map(({ text, bytes }) => paint(`${text.padEnd(column)}${bytes.padStart(9)}`.trimEnd(), 'dim'));
}
