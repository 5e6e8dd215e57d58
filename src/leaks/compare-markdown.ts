import { codeSpan, escapeMarkdown } from '../util/markdown.ts';
import type { LeakComparison } from './compare.ts';
import { comparedText, comparisonHeadline, OUTCOMES, shown, sideText } from './compare-words.ts';
import { namedPlace } from './words.ts';

/** The comparison for an issue or a pull request. */
export function comparisonMarkdown(comparison: LeakComparison): string {
  const { suspects, notes } = comparison;
  return `${[
    `# ${comparisonHeadline(comparison)}`,
    `Before: ${escapeMarkdown(sideText(comparison, 'before'))}  \nAfter: ${escapeMarkdown(sideText(comparison, 'after'))}`,
    ...suspects.map((suspect) => {
      const { holder, place, remedy } = shown(suspect);
      const where = namedPlace(place);
      const head = `**${OUTCOMES[suspect.outcome]}**: ${escapeMarkdown(holder)}${where === '' ? '' : `, ${codeSpan(where)}`}`;
      const cure = suspect.after === null ? '' : ` ${escapeMarkdown(remedy)}`;
      return `- ${head}. ${escapeMarkdown(comparedText(suspect, comparison))}${cure}`;
    }),
    ...notes.map((note) => `> ${escapeMarkdown(note)}`),
  ].join('\n\n')}\n`;
}
