import { type Recording, rowsOf } from '../../../recording/types.ts';
import { coverageText, findingsText, placeText } from '../../../report/words.ts';
import { formatBytes, formatCount, formatMs, formatShare } from '../../../util/text.ts';
import { largest, lastOf, shortPlace, trend } from '../facts.ts';
import { line, paragraph, span } from '../text.ts';
import type { Line, Moment, Span, Tab, Tone } from '../types.ts';
import { findingLines, SEVERITY_TONE } from './findings.ts';
import { heapAfterMajor } from './memory.ts';
import { openStall } from './stalls.ts';
import { cpuShare } from './threads.ts';

/** From here on a figure is shown as one to look at, and as a bad one: the limits of the detectors that judge it. */
const LIMIT = { busy: [0.7, 0.95], gc: [0.12, 0.4] } as const;
const LABEL = 13;
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
    ...figures(moment.chosen, tools.columns),
    line(''),
    ...paragraph(
      `workload: ${moment.report().workload.class}. ${moment.report().workload.advice}`,
      tools.columns,
      'dim',
    ),
    ...moment
      .report()
      .findings.slice(0, MAX_FINDINGS)
      .flatMap((finding, i) => [
        line(''),
        ...(i === 0
          ? findingLines(finding, tools)
          : [
              ...paragraph(finding.message, tools.columns, SEVERITY_TONE[finding.severity]),
              ...(finding.location ? [line(placeText(finding.location), 'accent')] : []),
              ...paragraph(`→ ${finding.remedy}`, tools.columns),
            ]),
      ]),
  ],
  items: () => [],
};

/** One line that says whether all is well. */
function verdict({ chosen, report: judged }: Moment): Line[] {
  const open = openStall(chosen);
  if (open) {
    const ms = Math.max(open.durationMs, chosen.durationMs - open.startMs);
    return [
      line(
        `✗ BLOCKED for ${formatMs(ms)} so far · ${open.kind ?? 'native call'} · ${shortPlace(open.location)}`,
        'bad',
      ),
    ];
  }
  const report = judged();
  const worst = report.findings[0];
  if (!worst || worst.severity === 'info') {
    if (!report.rules.some(({ outcome }) => outcome === 'clear')) return [line('… not enough data yet', 'dim')];
    return [[span('✓ HEALTHY ', 'good'), span(` nothing to be woken for: ${coverageText(report)}`, 'dim')]];
  }
  const mark = worst.severity === 'critical' ? '✗ SICK ' : '! WARNING ';
  return [[span(mark, SEVERITY_TONE[worst.severity]), span(` ${findingsText(report)}`)]];
}

function figures(recording: Recording, columns: number): Line[] {
  const width = Math.max(8, Math.min(60, columns - 78));
  const delay = lastOf(recording, 'event-loop-delay');
  const { slowMs } = recording.header;
  const worst = largest(
    rowsOf(recording, 'event-loop-delay').map(({ maxMs }) => maxMs),
    0,
  );
  const busy = lastOf(recording, 'event-loop-utilization')?.utilization;
  const thread = cpuShare(recording);
  const cpu = lastOf(recording, 'cpu');
  const gc = lastOf(recording, 'gc');
  const gcShare = gc && gc.totalMs / Math.max(1, gc.observedMs ?? 1000);
  const memory = lastOf(recording, 'memory');
  const after = heapAfterMajor(recording);
  const resources = lastOf(recording, 'active-resources');
  const unfinished = lastOf(recording, 'unfinished');
  const delayTone = (ms: number): Tone => (ms >= slowMs ? 'bad' : ms >= slowMs / 2 ? 'warn' : 'good');
  return [
    figure(
      'loop delay',
      trend(recording, 'event-loop-delay', (row) => Math.max(row.maxMs, row.heartbeatMaxMs), width),
      width,
      [
        ...(delay
          ? [
              span(`p50 ${formatMs(delay.p50Ms)}  p90 ${formatMs(delay.p90Ms)}  `),
              span(`p99 ${formatMs(delay.p99Ms)}`, delayTone(delay.p99Ms)),
              span(`  max ${formatMs(delay.maxMs)}`, delayTone(delay.maxMs)),
              span(`  worst ${formatMs(worst)}`, 'dim'),
            ]
          : NONE),
      ],
    ),
    figure(
      'loop busy',
      trend(recording, 'event-loop-utilization', (row) => row.utilization, width),
      width,
      busy === undefined ? NONE : [span(formatShare(busy), toneOf(busy, LIMIT.busy))],
    ),
    figure(
      'CPU',
      trend(recording, 'cpu', (row) => row.userMs + row.systemMs, width),
      width,
      cpu && cpu.intervalMs > 0
        ? [
            span(thread === null ? '' : `thread ${formatShare(thread)}  `),
            span(`process ${formatShare((cpu.userMs + cpu.systemMs) / cpu.intervalMs)}`),
          ]
        : NONE,
    ),
    figure(
      'collector',
      trend(recording, 'gc', (row) => row.totalMs, width),
      width,
      gcShare === undefined
        ? NONE
        : [
            span(`${formatShare(gcShare)} of the time`, toneOf(gcShare, LIMIT.gc)),
            span(`  longest ${formatMs(gc!.maxMs)}`, 'dim'),
          ],
    ),
    figure(
      'heap',
      trend(recording, 'memory', (row) => row.heapUsedBytes, width),
      width,
      memory
        ? [
            span(formatBytes(memory.heapUsedBytes)),
            span(after === null ? '' : `  after a major collection ${formatBytes(after)}`, 'dim'),
            span(`  resident ${formatBytes(memory.rssBytes)}`, 'dim'),
          ]
        : NONE,
    ),
    figure(
      'handles',
      trend(recording, 'active-resources', (row) => row.total, width),
      width,
      resources ? [span(formatCount(resources.total))] : NONE,
    ),
    figure(
      'pending',
      trend(recording, 'unfinished', (row) => pending(row.entries), width),
      width,
      unfinished
        ? [span(`${formatCount(pending(unfinished.entries))} suspended calls`)]
        : [span('not followed at level watch', 'dim')],
    ),
  ];
}

const NONE: Span[] = [{ text: 'no data yet', tone: 'dim' }];

function figure(label: string, bars: string, width: number, value: readonly Span[]): Line {
  return [span(label.padEnd(LABEL), 'dim'), span(bars.padEnd(width + 2), 'accent'), ...value];
}

function toneOf(value: number, [warn, bad]: readonly [number, number]): Tone {
  return value >= bad ? 'bad' : value >= warn ? 'warn' : 'good';
}

function pending(entries: readonly { what: string; alive: number }[]): number {
  return entries.reduce((sum, { what, alive }) => sum + (what === 'await' ? alive : 0), 0);
}
