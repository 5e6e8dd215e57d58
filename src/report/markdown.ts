import type { Finding, RuleResult } from '../detectors/types.ts';
import { codeSpan, escapeMarkdown } from '../util/markdown.ts';
import { placeText } from '../util/place-text.ts';
import { ROUTE_COLUMNS, type RouteReport, routeCells, seenText } from './routes.ts';
import { groupText, ruleGroups, unseenGroups } from './rule-groups.ts';
import type { Report } from './types.ts';
import {
  commandText,
  coverageText,
  evidenceText,
  facts,
  findingsText,
  symptomsOf,
  threadsText,
  workText,
} from './words.ts';

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
    ...routeLines(report.routes ?? []),
    '## Rules',
    '',
    '| rule | outcome | why |',
    '|---|---|---|',
    ...ruleGroups(rules).map(
      (group) =>
        `| ${group.rules.length === 1 ? escapeMarkdown(group.rules[0]!) : ''} | ${group.outcome} | ${escapeMarkdown(groupText(group))} |`,
    ),
    ...unseenLines(rules),
  ];
  return `${lines.join('\n')}\n`;
}

function unseenLines(rules: readonly RuleResult[]): string[] {
  const groups = unseenGroups(rules);
  if (groups.length === 0) return [];
  const lines = groups.map(
    ({ rules: names, text }) => `- ${escapeMarkdown(text)} (${escapeMarkdown(names.join(', '))})`,
  );
  return ['', '## Not seen here', '', ...lines];
}

function routeLines(routes: readonly RouteReport[]): string[] {
  if (routes.length === 0) return [];
  const seen = seenText(routes);
  return [
    '## Requests and jobs',
    '',
    `| ${ROUTE_COLUMNS.join(' | ')} |`,
    `|${ROUTE_COLUMNS.map(() => '---').join('|')}|`,
    ...routes.map((route) => `| ${routeCells(route).map(escapeMarkdown).join(' | ')} |`),
    '',
    ...(seen === null ? [] : [escapeMarkdown(seen), '']),
  ];
}

function findingLines(finding: Finding): string[] {
  const symptoms = symptomsOf(finding);
  const threads = threadsText(finding);
  const work = workText(finding);
  return [
    `### ${finding.severity}: ${escapeMarkdown(finding.message)}`,
    '',
    ...(finding.location === null ? [] : [codeSpan(placeText(finding.location)), '']),
    `${escapeMarkdown(finding.rule)} (${escapeMarkdown(finding.kind)}): ${escapeMarkdown(evidenceText(finding).join(' · '))}`,
    '',
    ...(work === null ? [] : [escapeMarkdown(work), '']),
    ...(threads === null ? [] : [escapeMarkdown(threads), '']),
    ...(symptoms.length > 0 ? [`Also explains: ${escapeMarkdown(symptoms.join(' '))}`, ''] : []),
    `**Change**: ${escapeMarkdown(finding.remedy)}`,
    '',
  ];
}
