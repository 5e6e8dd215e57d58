import { codeSpan, escapeMarkdown } from '../util/markdown.ts';
import { formatBytes } from '../util/text.ts';
import type { LeakReport, Suspect } from './types.ts';
import { headline, namedPlace, perMinute, snapshotText, stepText } from './words.ts';

/** The report for an issue or a pull request. */
export function leaksMarkdown(report: LeakReport): string {
  return `${[
    `# ${headline(report)}`,
    escapeMarkdown(snapshotText(report)),
    ...report.suspects.map(suspectText),
    ...report.notes.map((note) => `> ${note}`),
  ].join('\n\n')}\n`;
}

function suspectText(suspect: Suspect): string {
  const place = namedPlace(suspect.place);
  const rate = perMinute(suspect);
  const path = suspect.path.map((step, i) => {
    const bytes = step.bytes === null ? '' : ` (${formatBytes(step.bytes)})`;
    const where = i > 0 && step.place ? ` ${namedPlace({ ...step.place, function: '' })}` : '';
    return `${i + 1}. ${codeSpan(`${stepText(step)}${where}`)}${bytes}`;
  });
  return [
    `## ${escapeMarkdown(suspect.holder)}`,
    `${place === '' ? '' : `${codeSpan(place)}: `}${escapeMarkdown(suspect.message)}${rate === null ? '' : ` ${rate}.`}`,
    path.join('\n'),
    escapeMarkdown(suspect.remedy),
  ].join('\n\n');
}
