import { formatBytes, stripControl } from '../util/text.ts';
import type { LeakReport, Suspect } from './types.ts';
import { headline, perMinute, placeText, snapshotText, stepText } from './words.ts';

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
  const place = placeText(suspect.place);
  const rate = perMinute(suspect);
  const path = suspect.path.map((step, i) => {
    const bytes = step.bytes === null ? '' : ` (${formatBytes(step.bytes)})`;
    const where = i > 0 && step.place ? ` ${placeText({ ...step.place, function: '' })}` : '';
    return `${i + 1}. ${code(`${stepText(step)}${where}`)}${bytes}`;
  });
  return [
    `## ${escapeMarkdown(suspect.holder)}`,
    `${place === '' ? '' : `${code(place)}: `}${escapeMarkdown(suspect.message)}${rate === null ? '' : ` ${rate}.`}`,
    path.join('\n'),
    escapeMarkdown(suspect.remedy),
  ].join('\n\n');
}

/** As code, whatever backticks are in it. */
function code(text: string): string {
  const clean = stripControl(text);
  const longest = Math.max(0, ...[...clean.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return longest === 0 ? `\`${clean}\`` : `${fence} ${clean} ${fence}`;
}

function escapeMarkdown(text: string): string {
  return stripControl(text).replace(/[\\`*_[\]<>#|&]/g, '\\$&');
}
