import { detectors } from '../../../detectors/rules/index.ts';
import type { Finding, Severity } from '../../../detectors/types.ts';
import type { Report } from '../../../report/types.ts';
import { coverageText, evidenceText, symptomsOf, threadsText } from '../../../report/words.ts';
import { formatMs } from '../../../util/text.ts';
import { placeLines, shortPlace } from '../facts.ts';
import { findingKey } from '../moment.ts';
import { line, paragraph } from '../text.ts';
import type { Item, Line, Tab, Tone, Tools } from '../types.ts';

export const SEVERITY_TONE: Record<Severity, Tone> = { critical: 'bad', warning: 'warn', info: 'plain' };

export const findings: Tab = {
  id: 'findings',
  title: 'Findings',
  columns: [
    { title: 'severity', width: 8 },
    { title: 'score', width: 6, right: true, from: 100 },
    { title: 'kind', width: 18 },
    { title: 'rule', width: 28, from: 160 },
    { title: 'times', width: 6, right: true, from: 100 },
    { title: 'total', width: 9, right: true },
    { title: 'place' },
    { title: 'what', from: 120 },
  ],
  sortColumn: 1,
  empty: ({ report }) => (report ? `Nothing found: ${coverageText(report)}.` : 'The rows are being judged …'),
  summary: () => [],
  items: ({ report }) => (report ? itemsOf(report) : []),
};

/** A judgement is shown for many frames. */
const made = new WeakMap<Report, Item[]>();

function itemsOf(report: Report): Item[] {
  const items = made.get(report) ?? report.findings.map(toItem);
  made.set(report, items);
  return items;
}

function toItem(finding: Finding): Item {
  const { severity, score, rule, kind, count, message, location, times } = finding;
  const totalMs = times?.totalMs ?? null;
  // Without a place, the rule is shown.
  const place = (): string => (location ? shortPlace(location) : rule);
  const total = totalMs === null ? '' : formatMs(totalMs);
  return {
    key: findingKey(finding),
    name: kind,
    cells: () => [severity, String(Math.round(score)), kind, rule, String(count), total, place(), message],
    // The worst first: severity goes before the score.
    value: (column) =>
      [
        severityRank(severity),
        severityRank(severity) * 1000 + score,
        kind,
        rule,
        count,
        totalMs ?? 0,
        place(),
        message,
      ][column]!,
    tone: SEVERITY_TONE[severity],
    location,
    details: (tools) => findingLines(finding, tools),
  };
}

function severityRank(severity: Severity): number {
  return { info: 0, warning: 1, critical: 2 }[severity];
}

/** A finding in full: what, where with its source, what to change, with an example. */
export function findingLines(finding: Finding, tools: Tools): Line[] {
  const { columns } = tools;
  const example = detectors
    .find(({ id }) => id === finding.rule)
    ?.kinds.find(({ kind }) => kind === finding.kind)?.example;
  const threads = threadsText(finding);
  const symptoms = symptomsOf(finding);
  const callers = finding.stack.filter(({ file }) => !file.startsWith('node:')).slice(1, 8);
  return [
    ...paragraph(finding.message, columns, SEVERITY_TONE[finding.severity]),
    ...placeLines(finding.location, tools),
    ...callers.map((caller) => line(`  called from ${shortPlace(caller)}`, 'dim')),
    line(''),
    ...paragraph(`→ ${finding.remedy}`, columns, 'strong'),
    ...(example ? ['', ...example.split('\n')].map((text) => line(`  ${text}`, 'accent')) : []),
    line(''),
    ...paragraph(`${evidenceText(finding).join(' · ')} · ${finding.rule} (${finding.kind})`, columns, 'dim'),
    ...(threads ? paragraph(threads, columns, 'dim') : []),
    ...(symptoms.length > 0 ? paragraph(`Also explains: ${symptoms.join('; ')}`, columns) : []),
  ];
}
