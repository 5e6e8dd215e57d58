import type { Finding } from '../../../detectors/types.ts';
import { fullThreadName } from '../../../recording/thread-name.ts';
import type { Report } from '../../../report/types.ts';
import { coverageText, findingsText } from '../../../report/words.ts';
import { placeText } from '../../../util/place-text.ts';
import { formatMs } from '../../../util/text.ts';
import { shortPlace } from '../facts.ts';
import { line, paragraph, span } from '../text.ts';
import type { Item, Line, Moment, Tab, Tools } from '../types.ts';
import { figureLines } from './figures.ts';
import { findingLines, SEVERITY_TONE } from './findings.ts';
import { isBlocked, openDurationMs, openStall } from './stalls.ts';

const MAX_FINDINGS = 3;

export const overview: Tab = {
  id: 'overview',
  title: 'Overview',
  columns: [{ title: 'severity', width: 9 }, { title: 'what' }],
  sortColumn: 0,
  empty: () => '',
  summary: (moment, tools) => [
    ...verdict(moment),
    line(''),
    ...figureLines(moment.chosen, tools.columns),
    ...(moment.report ? judgement(moment.report, tools) : []),
  ],
  items: () => NO_ITEMS,
};

const NO_ITEMS: readonly Item[] = [];

/** One line that says whether everything is fine. */
function verdict(moment: Moment): Line[] {
  const { report } = moment;
  const blocked = blockedNow(moment);
  if (blocked !== null) return [line(blocked, 'bad')];
  if (report === null) return [line('… the rows are being judged', 'dim')];
  const worst = report.findings[0];
  if (worst && worst.severity !== 'info') {
    const mark = worst.severity === 'critical' ? '✗ CRITICAL ' : '! WARNING ';
    return [[span(mark, SEVERITY_TONE[worst.severity]), span(` ${findingsText(report)}`)]];
  }
  const { foreign } = moment.chosen;
  if (foreign !== undefined) return [line(`… a recording of ${foreign} has too little data to call it healthy`, 'dim')];
  if (!report.rules.some(({ outcome }) => outcome === 'clear')) return [line('… not enough data yet', 'dim')];
  return [[span('✓ HEALTHY ', 'good'), span(` nothing to act on: ${coverageText(report)}`, 'dim')]];
}

/** In any thread of the family, the shown one first. */
function blockedNow({ chosen, recordings }: Moment): string | null {
  for (const recording of [chosen, ...recordings]) {
    const open = openStall(recording);
    if (!open || !isBlocked(recording, open)) continue;
    const ms = formatMs(openDurationMs(open, recording.durationMs));
    const where = recording === chosen ? '' : ` in ${fullThreadName(recording.header)}`;
    return `✗ BLOCKED for ${ms} so far${where} · ${open.kind ?? 'native call'} · ${shortPlace(open.location)}`;
  }
  return null;
}

/** What bounds the program, and what to change. */
function judgement({ workload, findings }: Report, tools: Tools): Line[] {
  return [
    line(''),
    ...paragraph(`workload: ${workload.class}. ${workload.advice}`, tools.columns, 'dim'),
    ...findings
      .slice(0, MAX_FINDINGS)
      .flatMap((finding, i) => [line(''), ...(i === 0 ? findingLines(finding, tools) : inShort(finding, tools))]),
  ];
}

/** What, where, and what to change, without the source. */
export function inShort({ message, severity, location, remedy }: Finding, { columns }: Tools): Line[] {
  return [
    ...paragraph(message, columns, SEVERITY_TONE[severity]),
    ...(location ? [line(placeText(location), 'accent')] : []),
    ...paragraph(`→ ${remedy}`, columns),
  ];
}
