import type { Paint } from '../util/terminal.ts';
import { stripControl, wrap } from '../util/text.ts';
import type { ComparedSuspect, LeakComparison, Outcome } from './compare.ts';
import { comparedText, comparisonHeadline, OUTCOMES, shown, sideText } from './compare-words.ts';
import { namedPlace } from './words.ts';

const MAX_SHOWN = 20;
const COLORS: Record<Outcome, 'red' | 'yellow' | 'green'> = {
  gone: 'green',
  remains: 'red',
  new: 'red',
  unclear: 'yellow',
};
const WIDEST = Math.max(...Object.values(OUTCOMES).map((word) => word.length));
const INDENT = ' '.repeat(WIDEST + 2);

/** The comparison for a terminal. */
export function comparisonText(comparison: LeakComparison, { paint, width }: { paint: Paint; width: number }): string {
  const { suspects, notes } = comparison;
  const more = suspects.length - MAX_SHOWN;
  return [
    paint(comparisonHeadline(comparison), 'bold'),
    paint(`before  ${stripControl(sideText(comparison, 'before'))}`, 'dim'),
    paint(`after   ${stripControl(sideText(comparison, 'after'))}`, 'dim'),
    '',
    ...suspects.slice(0, MAX_SHOWN).flatMap((suspect) => [...lines(suspect, comparison, paint, width), '']),
    ...(more > 0 ? [`${more} more are left out: --json has them all.`, ''] : []),
    ...notes.flatMap((note) => wrap(stripControl(note), width)),
  ]
    .join('\n')
    .replace(/\n*$/, '\n');
}

function lines(suspect: ComparedSuspect, comparison: LeakComparison, paint: Paint, width: number): string[] {
  const { holder, place, remedy } = shown(suspect);
  const { outcome } = suspect;
  const where = namedPlace(place);
  const head = `${paint(OUTCOMES[outcome].padEnd(WIDEST), COLORS[outcome], 'bold')}  ${stripControl(holder)}`;
  const grows = suspect.after !== null;
  return [
    where === '' ? head : `${head}  ${paint(where, 'cyan')}`,
    ...wrap(comparedText(suspect, comparison), width - INDENT.length).map((line) => `${INDENT}${line}`),
    ...(grows ? wrap(stripControl(remedy), width - INDENT.length - 2) : []).map(
      (line, i) => `${INDENT}${i === 0 ? '→' : ' '} ${line}`,
    ),
  ];
}
