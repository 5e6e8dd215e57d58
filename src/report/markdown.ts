import type { Finding } from '../detectors/types.ts';
import { codeSpan, escapeMarkdown } from '../util/markdown.ts';
import { placeText } from '../util/place-text.ts';
import { groupText, ruleGroups } from './rule-groups.ts';
import type { Report } from './types.ts';
import { commandText, coverageText, evidenceText, facts, findingsText, symptomsOf, threadsText } from './words.ts';

/** The report for a pull request or an issue. */
export function markdownReport(report: Report): string {
  const { findings, rules } = report;
  const lines = [
    `# evdiag: ${escapeMarkdown(commandText(report.recording.argv))}`,
    '',
    ...facts(report).map(([label, value]) => `- **${label}**: ${escapeMarkdown(value)}`),
    '',
    `## ${findings.length > 0 ? findingsText(report) : `Nothing found: ${coverageText(report)}`}`,
    '',
    ...findings.flatMap(findingLines),
    '## Rules',
    '',
    '| rule | outcome | why |',
    '|---|---|---|',
    ...ruleGroups(rules).map(
      (group) =>
        `| ${group.rules.length === 1 ? escapeMarkdown(group.rules[0]!) : ''} | ${group.outcome} | ${escapeMarkdown(groupText(group))} |`,
    ),
  ];
  return `${lines.join('\n')}\n`;
}

function findingLines(finding: Finding): string[] {
  const symptoms = symptomsOf(finding);
  const threads = threadsText(finding);
  return [
    `### ${finding.severity}: ${escapeMarkdown(finding.message)}`,
    '',
    ...(finding.location === null ? [] : [codeSpan(placeText(finding.location)), '']),
    `${escapeMarkdown(finding.rule)} (${escapeMarkdown(finding.kind)}): ${escapeMarkdown(evidenceText(finding).join(' · '))}`,
    '',
    ...(threads === null ? [] : [escapeMarkdown(threads), '']),
    ...(symptoms.length > 0 ? [`Also explains: ${escapeMarkdown(symptoms.join('; '))}`, ''] : []),
    `**Change**: ${escapeMarkdown(finding.remedy)}`,
    '',
  ];
}
