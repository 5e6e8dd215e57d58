import type { Family } from '../recording/reader.ts';
import { buildReport } from '../report/report.ts';
import { type TextOptions, textReport } from '../report/text.ts';
import type { Report } from '../report/types.ts';
import { hasColor, painter, terminalWidth } from '../util/terminal.ts';
import { stripControl, toJson } from '../util/text.ts';

const PIECE = 1 << 20;

/** One line on stderr. */
export function complain(message: string): void {
  process.stderr.write(`evdiag: ${stripControl(message)}\n`);
}

export function printJson(value: unknown): void {
  process.stdout.write(`${toJson(value)}\n`);
}

/** The same text, in pieces: lists of the object may have a million entries, more than one string holds. */
export function printLargeJson(value: Readonly<Record<string, unknown>>): void {
  let text = '{';
  const flush = (least: number): void => {
    if (text.length < least) return;
    process.stdout.write(text);
    text = '';
  };
  for (const [i, [key, content]] of Object.entries(value).entries()) {
    text += `${i > 0 ? ',' : ''}\n  ${JSON.stringify(key)}: `;
    if (!Array.isArray(content) || content.length === 0) text += indented(content, '  ');
    else {
      for (const [j, entry] of content.entries()) {
        text += `${j > 0 ? ',' : '['}\n    ${indented(entry, '    ')}`;
        flush(PIECE);
      }
      text += '\n  ]';
    }
  }
  text += '\n}\n';
  flush(0);
}

function indented(value: unknown, by: string): string {
  return toJson(value).replaceAll('\n', `\n${by}`);
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
