/** What the text, the page and the Markdown of a comparison say alike. */
import { formatBytes, formatCount, formatMs, plural } from '../util/text.ts';
import type { ComparedSuspect, LeakComparison, Outcome, Rate, Unit } from './compare.ts';
import type { Suspect } from './types.ts';

/** Rates below a tenth are told by this many. */
const MANY = 1000;
const NAMES: Record<Unit, [one: string, many: string]> = {
  request: ['request', 'requests'],
  job: ['job', 'jobs'],
  message: ['message', 'messages'],
  pieces: ['piece of work', 'pieces of work'],
  minute: ['minute', 'minutes'],
  measurement: ['measurement', 'measurements'],
};

/** In the words of a table. */
export const OUTCOMES: Record<Outcome, string> = {
  gone: 'gone',
  remains: 'remains',
  new: 'new',
  unclear: 'not clear',
};

/** One of the two is there. */
export const shown = ({ before, after }: ComparedSuspect): Suspect => (after ?? before)!;

/** "1 of 3 suspects is gone, 2 remain, 1 is new." */
export function comparisonHeadline({ verdict, suspects }: LeakComparison): string {
  if (verdict === 'clean') return 'Nothing grew like a leak before, and nothing does after.';
  const count = (outcome: Outcome): number => suspects.filter((suspect) => suspect.outcome === outcome).length;
  const known = suspects.filter(({ before }) => before !== null);
  const parts =
    known.length > 1
      ? [
          goneText(count('gone'), known.length),
          count('remains') > 0 && `${count('remains')} ${count('remains') === 1 ? 'remains' : 'remain'}`,
          count('unclear') > 0 && `${count('unclear')} cannot be judged`,
        ]
      : [known[0] ? `The suspect ${ALONE[known[0].outcome]}` : 'Nothing grew like a leak before'];
  if (count('new') > 0) parts.push(`${count('new')} ${count('new') === 1 ? 'is' : 'are'} new`);
  return `${parts.filter((part) => part !== false).join(', ')}.`;
}

const ALONE: Record<Outcome, string> = {
  gone: 'is gone',
  remains: 'remains',
  new: 'is new',
  unclear: 'cannot be judged',
};

function goneText(gone: number, all: number): string {
  if (gone === 0) return `None of ${all} suspects is gone`;
  return gone === all ? `All ${all} suspects are gone` : `${gone} of ${all} suspects ${gone === 1 ? 'is' : 'are'} gone`;
}

/** "3 snapshots, 21.0 s, 4 000 requests: the heap grows by 268 B per request". */
export function sideText({ unit, ...comparison }: LeakComparison, side: 'before' | 'after'): string {
  const { snapshots, spanMs, units, heapBytes } = comparison[side];
  const parts = [
    snapshots.length > 0 && plural(snapshots.length, 'snapshot'),
    spanMs !== null && formatMs(spanMs),
    unit !== 'minute' && unit !== 'measurement' && `${formatCount(units)} ${NAMES[unit][units === 1 ? 0 : 1]}`,
  ];
  const by = heapBytes === null ? null : rateText({ bytes: heapBytes, count: 0 }, unit, scaleOf(comparison));
  const heap = by === null ? '' : `: the heap ${heapBytes! < 0 ? 'shrinks' : 'grows'} by ${by.replace('-', '')}`;
  return `${parts.filter((part) => part !== false).join(', ')}${heap}`;
}

/** How many units the rates are told for: 1, or more where so little grows for each. */
function scaleOf({ suspects }: Pick<LeakComparison, 'suspects'>): number {
  const rates = suspects.flatMap(({ beforeRate, afterRate }) => [beforeRate, afterRate]);
  const most = Math.max(0, ...rates.map((rate) => rate?.count ?? 0));
  return most > 0 && most < 0.1 ? MANY : 1;
}

function rateText({ bytes, count }: Rate, unit: Unit, scale: number): string {
  const parts = [
    count > 0 && `${fraction(count * scale)} ${fraction(count * scale) === '1' ? 'object' : 'objects'}`,
    (bytes !== 0 || count === 0) && formatBytes(bytes * scale),
  ];
  const [one, many] = NAMES[unit];
  const per = scale === 1 ? one : `${formatCount(scale)} ${many}`;
  return `${parts.filter((part) => part !== false).join(' and ')} per ${per}`;
}

const fraction = (value: number): string => (value < 9.95 ? String(Number(value.toFixed(1))) : formatCount(value));

/** What it grew by, and what it grows by; one sentence or two. */
export function comparedText(suspect: ComparedSuspect, { unit, suspects, after }: LeakComparison): string {
  const text = (rate: Rate): string => rateText(rate, unit, scaleOf({ suspects }));
  const { outcome, beforeRate, afterRate, neededUnits } = suspect;
  if (outcome === 'new') return `Did not grow before; now ${text(afterRate!)}.`;
  const was = `${text(beforeRate!)} before`;
  if (outcome === 'remains') return `${was}, ${text(afterRate!)} after${changeText(beforeRate!, afterRate!)}.`;
  if (outcome === 'gone') return `${was}, nothing after.`;
  if (neededUnits !== null) {
    return `${was}. It does not grow after, but that was too short to tell: ${unitsText(after.units, unit)}, and at least ${unitsText(neededUnits, unit)} are needed.`;
  }
  const parts = after.parts.map((part) => unitsText(part, unit)).join(' and ');
  return `${was}. It does not grow after, but that was too uneven to tell: ${parts} between the snapshots.`;
}

/** Of bytes, of objects where bytes are not known. */
function changeText(before: Rate, after: Rate): string {
  const [was, is] = before.bytes > 0 && after.bytes > 0 ? [before.bytes, after.bytes] : [before.count, after.count];
  if (!(was > 0)) return '';
  const percent = Math.round((is / was - 1) * 100);
  return ` (${percent > 0 ? '+' : percent < 0 ? '−' : '±'}${formatCount(Math.abs(percent))} %)`;
}

function unitsText(units: number, unit: Unit): string {
  const [one, many] = NAMES[unit];
  if (unit === 'minute') return formatMs(units * 60_000);
  const whole = Math.ceil(units);
  return `${formatCount(whole)} ${whole === 1 ? one : many}`;
}
