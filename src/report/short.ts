import type { Finding, Severity } from '../detectors/types.ts';
import type { Paint, Style } from '../util/terminal.ts';
import { displayPath, formatMs, plural, stripControl } from '../util/text.ts';
import type { TextOptions } from './text.ts';
import type { Report } from './types.ts';
import { commandText, coverageText, findingsText } from './words.ts';

/** Lines of a short report. */
const MOST = 10;
/** Everything except the findings: what was recorded, what was found, and where the rest is. */
const FRAME = 4;
const BADGE: Record<Severity, Style[]> = { critical: ['red', 'bold'], warning: ['yellow', 'bold'], info: ['cyan'] };
const NAME = 9;

/** The report in ten lines: a line for each of the worst findings, and where to read the rest. */
export function shortReport(report: Report, input: string, { paint, width }: TextOptions): string {
  const { recording, workload, findings, processes = [] } = report;
  const who = `pid ${recording.pid}, ${formatMs(recording.durationMs)} at level ${recording.level}, ${workload.class}`;
  const beside = processes.length > 1 ? `; ${plural(processes.length, 'thread')} in all` : '';
  const shown = findings.slice(0, findings.length > MOST - FRAME ? MOST - FRAME : undefined);
  const left = findings.length - shown.length;
  const lines = [
    paint(cut(commandText(recording.argv) || '(no command line recorded)', width), 'bold'),
    cut(stripControl(`${who}${beside}`), width),
    findings.length > 0 ? paint(findingsText(report), 'bold') : cut(`Nothing found: ${coverageText(report)}.`, width),
    ...shown.map((finding) => findingLine(finding, paint, width)),
    paint(`${left > 0 ? `and ${left} more; ` : ''}in full: evdiag report${input}`, 'dim'),
  ];
  return `${lines.join('\n')}\n`;
}

/** Severity, place, message: the place is kept whole, the message is cut. */
function findingLine({ severity, location, message }: Finding, paint: Paint, width: number): string {
  const place = location === null ? '' : `${displayPath(stripControl(location.file))}:${location.line}  `;
  const text = cut(stripControl(message), Math.max(20, width - NAME - place.length));
  return `${paint(severity.padEnd(NAME), ...(BADGE[severity] ?? []))}${paint(place, 'cyan')}${text}`;
}

function cut(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, Math.max(1, width - 1))}…` : text;
}
