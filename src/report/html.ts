import type { Finding, RuleResult } from '../detectors/types.ts';
import { type Recording, rowsOf } from '../recording/types.ts';
import { escapeHtml } from '../util/html.ts';
import { placeHtml } from '../util/place-html.ts';
import { formatMs } from '../util/text.ts';
import { headed } from './report.ts';
import { ROUTE_COLUMNS, type RouteReport, routeCells, seenText } from './routes.ts';
import { groupText, type RuleGroup, ruleGroups, unseenGroups } from './rule-groups.ts';
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

const STYLE = `:root{color-scheme:light dark;--fg:#1c2128;--bg:#fff;--dim:#5b6470;--line:#d5dae0;--card:#f6f8fa;--critical:#b3261e;--warning:#8a5a00;--info:#0b6477;--ok:#1a7f37}
@media(prefers-color-scheme:dark){:root{--fg:#dfe5ec;--bg:#12161b;--dim:#96a0ac;--line:#323a44;--card:#1a2028;--critical:#ff8078;--warning:#e3b341;--info:#6fc7d9;--ok:#57c76f}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--fg);background:var(--bg);max-width:60rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.2rem;font-family:ui-monospace,monospace;overflow-wrap:anywhere}h2{font-size:1.05rem;margin-top:2rem}h3{font-size:1rem;margin:0}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.15rem 1rem}dt,.dim{color:var(--dim)}dd{margin:0;overflow-wrap:anywhere}
article{background:var(--card);border-left:4px solid var(--tone);padding:.8rem 1rem;margin:.8rem 0}article p{margin:.3rem 0}
.critical{--tone:var(--critical)}.warning{--tone:var(--warning)}.info{--tone:var(--info)}b.badge{color:var(--tone);margin-right:.6rem}
code{font-family:ui-monospace,monospace;overflow-wrap:anywhere}a{color:inherit}details{margin:.3rem 0}ol{margin:.3rem 0;padding-left:1.6rem}
table{border-collapse:collapse;width:100%}td,th{text-align:left;border-bottom:1px solid var(--line);padding:.25rem .6rem .25rem 0;vertical-align:top}
svg{width:100%;height:4rem;background:var(--card)}polyline{fill:none;stroke:var(--info);stroke-width:1.5;vector-effect:non-scaling-stroke}`;

interface HtmlOptions {
  /** The address of a line in an editor, with {file} and {line}: places link there. Default: no links. */
  editor?: string;
}

/** One self-contained page: no script, nothing loaded from elsewhere. */
export function htmlReport(
  report: Report,
  recordings: readonly Recording[],
  { editor = '' }: HtmlOptions = {},
): string {
  const title = `evdiag: ${escapeHtml(commandText(report.recording.argv))}`;
  const verdict = report.findings.length > 0 ? findingsText(report) : `Nothing found: ${coverageText(report)}`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${title}</title><style>${STYLE}</style></head><body>
<h1>${escapeHtml(commandText(report.recording.argv))}</h1>
<dl>${facts(report)
    .map(([label, value]) => `<dt>${label}</dt><dd>${escapeHtml(value)}</dd>`)
    .join('\n')}</dl>
${delayChart(headed(report, recordings))}
<h2>${escapeHtml(verdict)}</h2>
${report.findings.map((finding) => findingHtml(finding, editor)).join('\n')}
${routesHtml(report.routes ?? [])}<h2>Rules</h2>
<table><tr><th>rule</th><th>outcome</th><th>why</th></tr>
${ruleGroups(report.rules).map(ruleHtml).join('\n')}
</table>${unseenHtml(report.rules)}</body></html>
`;
}

function routesHtml(routes: readonly RouteReport[]): string {
  if (routes.length === 0) return '';
  const row = (cells: readonly string[], tag: 'th' | 'td'): string =>
    `<tr>${cells.map((cell) => `<${tag}>${escapeHtml(cell)}</${tag}>`).join('')}</tr>`;
  const seen = seenText(routes);
  return `<h2>Requests and jobs</h2>
<table>${row(ROUTE_COLUMNS, 'th')}
${routes.map((route) => row(routeCells(route), 'td')).join('\n')}
</table>${seen === null ? '' : `<p class="dim">${escapeHtml(seen)}</p>`}
`;
}

function unseenHtml(rules: readonly RuleResult[]): string {
  const items = unseenGroups(rules).map(
    ({ rules: names, text }) => `<li>${escapeHtml(text)} <span class="dim">${escapeHtml(names.join(', '))}</span></li>`,
  );
  return items.length === 0 ? '' : `<h2>Not seen here</h2><ul>${items.join('')}</ul>`;
}

function ruleHtml(group: RuleGroup): string {
  const name = group.rules.length === 1 ? group.rules[0]! : '';
  return `<tr><td>${escapeHtml(name)}</td><td>${escapeHtml(group.outcome)}</td><td class="dim">${escapeHtml(groupText(group))}</td></tr>`;
}

function findingHtml(finding: Finding, editor: string): string {
  const { severity, message, location, stack, remedy, rule, kind } = finding;
  const symptoms = symptomsOf(finding);
  const threads = threadsText(finding);
  const work = workText(finding);
  const frames = stack.map((frame) => `<li>${placeHtml(frame, editor)}</li>`).join('');
  return `<article class="${escapeHtml(severity)}"><h3><b class="badge">${escapeHtml(severity)}</b>${escapeHtml(message)}</h3>
${location === null ? '' : `<p>${placeHtml(location, editor)}</p>`}
<p class="dim">${escapeHtml(`${rule} (${kind}): ${evidenceText(finding).join(' · ')}`)}</p>
${work === null ? '' : `<p>${escapeHtml(work)}</p>`}
${threads === null ? '' : `<p class="dim">${escapeHtml(threads)}</p>`}
${symptoms.length === 0 ? '' : `<p>Also explains: ${escapeHtml(symptoms.join(' '))}</p>`}
<p>${escapeHtml(remedy)}</p>
${frames === '' ? '' : `<details><summary>Stack</summary><ol>${frames}</ol></details>`}</article>`;
}

function delayChart(recording: Recording | undefined): string {
  const rows = recording === undefined ? [] : rowsOf(recording, 'event-loop-delay');
  if (recording === undefined || rows.length < 2) return '';
  const value = (row: (typeof rows)[number]) => Math.max(row.maxMs, row.heartbeatMaxMs);
  const top = rows.reduce((max, row) => Math.max(max, value(row)), 1);
  const points = thin(rows, 1000, value).map(
    (row) => `${coordinate(row.t / Math.max(1, recording.durationMs))},${coordinate(1 - value(row) / top)}`,
  );
  return `<h2>Event-loop delay: max ${formatMs(top)}</h2>
<svg viewBox="0 0 100 100" preserveAspectRatio="none" role="img" aria-label="event-loop delay over time"><polyline points="${points.join(' ')}"/></svg>`;
}

/** At most `limit` rows: of each group, the one with the largest value. */
function thin<T>(rows: readonly T[], limit: number, value: (row: T) => number): T[] {
  const size = Math.ceil(rows.length / limit);
  const groups = Array.from({ length: Math.ceil(rows.length / size) }, (_, i) => rows.slice(i * size, (i + 1) * size));
  return groups.map((group) => group.reduce((best, row) => (value(row) > value(best) ? row : best)));
}

function coordinate(share: number): string {
  return (Math.min(1, Math.max(0, share)) * 96 + 2).toFixed(1);
}
