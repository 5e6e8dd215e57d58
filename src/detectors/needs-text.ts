import type { Detector } from './types.ts';

/** What a rule is judged from, in sentences; `show` makes a name of a type of row. */
export function needsText(
  { needs, reads }: Pick<Detector, 'needs' | 'reads'>,
  show = (name: string): string => name,
): string {
  const needed = needs.map((need) => [need].flat().map(show).join(' or ')).join(', and ');
  const rest = [...new Set(reads)].filter((type) => !needs.flat().includes(type)).map(show);
  const also = rest.length > 0 ? ` If the recording has them, it also reads ${rest.join(', ')}.` : '';
  return `It is judged from the rows ${needed} of the recording. Without them the rule answers ${show('no-data')}.${also}`;
}
