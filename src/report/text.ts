import type { Finding, Outcome, RuleResult, Severity } from '../detectors/types.ts';
import { type Recording, rowsOf } from '../recording/types.ts';
import { placeText } from '../util/place-text.ts';
import type { Paint, Style } from '../util/terminal.ts';
import { formatMs, sparkline, stripControl, wrap } from '../util/text.ts';
import { excerpt } from './excerpt.ts';
import { headed } from './report.ts';
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

export interface TextOptions {
  paint: Paint;
  /** Columns. */
  width: number;
}

const BADGE: Record<Severity, Style[]> = { critical: ['red', 'bold'], warning: ['yellow', 'bold'], info: ['cyan'] };
const OUTCOME: Record<Outcome, Style[]> = { found: ['yellow'], clear: ['green'], 'no-data': ['dim'], error: ['red'] };
const INDENT = ' '.repeat(11);
const LABEL = 12;

/** The report for a terminal. The recordings are only needed for the sparkline. */
export function textReport(report: Report, recordings: readonly Recording[], { paint, width }: TextOptions): string {
  const lines = [
    paint(commandText(report.recording.argv) || '(no command line recorded)', 'bold'),
    ...[...facts(report), ...delayFact(headed(report, recordings))].flatMap(([label, value]) =>
      factLines(label, value, paint, width),
    ),
    '',
    ...verdict(report, paint),
    ...report.findings.flatMap((finding) => ['', ...findingLines(finding, paint, width)]),
    ...routeLines(report.routes ?? [], paint, width),
    ...ruleLines(report.rules, paint, width),
    ...unseenLines(report.rules, paint, width),
  ];
  return `${lines.join('\n')}\n`;
}

function delayFact(recording: Recording | undefined): [string, string][] {
  if (recording === undefined) return [];
  const rows = rowsOf(recording, 'event-loop-delay');
  if (rows.length === 0) return [];
  const points = rows.map((row) => ({ t: row.t, value: Math.max(row.maxMs, row.heartbeatMaxMs) }));
  const top = points.reduce((max, point) => Math.max(max, point.value), 0);
  const bars = sparkline(points, recording.durationMs, Math.min(40, Math.max(8, points.length)));
  return [['loop delay', `${bars} max ${formatMs(top)}`]];
}

function factLines(label: string, value: string, paint: Paint, width: number): string[] {
  const wrapped = wrap(value, width - LABEL - 2);
  return wrapped.map((line, i) => `  ${paint((i === 0 ? label : '').padEnd(LABEL), 'dim')}${line}`);
}

function verdict(report: Report, paint: Paint): string[] {
  if (report.findings.length > 0) return [paint(findingsText(report), 'bold')];
  return [`${paint('Nothing found', 'bold', 'green')}: ${coverageText(report)}.`];
}

function findingLines(finding: Finding, paint: Paint, width: number): string[] {
  const room = width - INDENT.length;
  const badge = paint(finding.severity.toUpperCase().padEnd(INDENT.length - 2), ...(BADGE[finding.severity] ?? []));
  const [first = '', ...more] = wrap(stripControl(finding.message), room);
  const rule = `${finding.rule} (${finding.kind})`;
  const numbers = evidenceText(finding).join(' · ');
  const threads = threadsText(finding);
  const work = workText(finding);
  const symptoms = symptomsOf(finding);
  return [
    `  ${badge}${paint(first, 'bold')}`,
    ...more.map((line) => `${INDENT}${paint(line, 'bold')}`),
    ...placeLines(finding, paint),
    ...wrap(`${numbers} · ${stripControl(rule)}`, room).map((line) => `${INDENT}${paint(line, 'dim')}`),
    ...(work === null ? [] : wrap(work, room).map((line) => `${INDENT}${line}`)),
    ...(threads === null ? [] : wrap(threads, room).map((line) => `${INDENT}${paint(line, 'dim')}`)),
    ...(symptoms.length > 0 ? wrap(`Also explains: ${symptoms.join(' ')}`, room).map((line) => INDENT + line) : []),
    ...wrap(`→ ${stripControl(finding.remedy)}`, room).map((line, i) => `${INDENT}${i > 0 ? '  ' : ''}${line}`),
  ];
}

function placeLines({ location, stack }: Finding, paint: Paint): string[] {
  if (location === null) return [];
  const lines = excerpt(location);
  const digits = String(lines.at(-1)?.line ?? 0).length;
  const source = lines.map(({ line, text, guilty }) => {
    const number = `${guilty ? '>' : ' '} ${String(line).padStart(digits)} │ `;
    return guilty ? `${INDENT}${paint(number, 'red')}${text}` : `${INDENT}${paint(`${number}${text}`, 'dim')}`;
  });
  const own = stack.findIndex(({ file, line }) => file === location.file && line === location.line);
  const caller = stack
    .slice(own + 1)
    .find(
      ({ file, function: name }) => !file.startsWith('node:') && (file !== location.file || name !== location.function),
    );
  const callers = caller === undefined ? [] : [`${INDENT}${paint(`called from ${placeText(caller)}`, 'dim')}`];
  return [`${INDENT}${paint(placeText(location), 'cyan')}`, ...source, ...callers];
}

/** In a terminal; the other forms have more. */
const SHOWN_ROUTES = 15;

function routeLines(routes: readonly RouteReport[], paint: Paint, width: number): string[] {
  if (routes.length === 0) return [];
  const cells = routes.slice(0, SHOWN_ROUTES).map((route) => routeCells(route).map(stripControl));
  // Columns in which nobody has anything are left out.
  const columns = ROUTE_COLUMNS.map((_, i) => i).filter((i) => cells.some((row) => row[i] !== ''));
  const widths = columns.map((i) => Math.max(ROUTE_COLUMNS[i]!.length, ...cells.map((row) => row[i]!.length)));
  const others = widths.slice(1).reduce((sum, one) => sum + one + 2, 0);
  widths[0] = Math.min(widths[0]!, Math.max(20, width - 2 - others));
  const line = (row: readonly string[]): string =>
    columns
      .map((i, at) => (at === 0 ? row[i]!.slice(0, widths[0]).padEnd(widths[0]!) : row[i]!.padStart(widths[at]!)))
      .join('  ');
  const left = routes.length - cells.length;
  const seen = seenText(routes);
  return [
    '',
    paint('Requests and jobs', 'bold'),
    `  ${paint(line(ROUTE_COLUMNS), 'dim')}`,
    ...cells.map((row) => `  ${line(row)}`),
    ...(left > 0 ? [`  ${paint(`and ${left} more (--format json has them)`, 'dim')}`] : []),
    ...(seen === null ? [] : wrap(seen, width - 2).map((text) => `  ${paint(text, 'dim')}`)),
  ];
}

function ruleLines(rules: readonly RuleResult[], paint: Paint, width: number): string[] {
  const groups = ruleGroups(rules.filter(({ outcome }) => outcome !== 'found'));
  if (groups.length === 0) return [];
  const column = Math.max(
    0,
    ...groups.filter((group) => group.rules.length === 1).map((group) => group.rules[0]!.length),
  );
  const lines = groups.flatMap((group) => {
    const { outcome } = group;
    // One rule has its name in a column of its own.
    const name = group.rules.length === 1 ? `${group.rules[0]!.padEnd(column)}  ` : '';
    const start = `  ${outcome.padEnd(8)} ${name}`;
    return wrap(stripControl(groupText(group)), Math.max(20, width - start.length)).map((line, i) =>
      i === 0
        ? `  ${paint(outcome.padEnd(8), ...(OUTCOME[outcome] ?? []))} ${name}${paint(line, 'dim')}`
        : `${' '.repeat(start.length)}${paint(line, 'dim')}`,
    );
  });
  return ['', paint('Also looked at', 'bold'), ...lines];
}

function unseenLines(rules: readonly RuleResult[], paint: Paint, width: number): string[] {
  const groups = unseenGroups(rules);
  if (groups.length === 0) return [];
  const lines = groups.flatMap(({ rules: names, text }) => [
    ...wrap(stripControl(text), width - 2).map((line) => `  ${line}`),
    ...wrap(names.join(', '), width - 4).map((line) => `    ${paint(line, 'dim')}`),
  ]);
  return ['', paint('Not seen here', 'bold'), ...lines];
}
