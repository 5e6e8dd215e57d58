import type { Family } from '../recording/reader.ts';
import { buildReport, type Report } from '../report/report.ts';
import { type TextOptions, textReport } from '../report/text.ts';
import { hasColor, painter, terminalWidth } from '../util/terminal.ts';
import { stripControl, toJson } from '../util/text.ts';

/** One line on stderr. */
export function complain(message: string): void {
  process.stderr.write(`evdiag: ${stripControl(message)}\n`);
}

export function printJson(value: unknown): void {
  process.stdout.write(`${toJson(value)}\n`);
}

export function reportOf(family: Family): Report {
  return buildReport(family.recordings, family.unreadable);
}

/** The text report as that stream can show it. */
export function textFor(stream: NodeJS.WriteStream, report: Report, family: Family): string {
  return textReport(report, family.recordings, lookOf(stream));
}

export function lookOf(stream: NodeJS.WriteStream): TextOptions {
  return { paint: painter(hasColor(stream)), width: terminalWidth(stream) };
}
