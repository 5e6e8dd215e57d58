import { Option } from 'commander';
import type { Severity } from '../../detectors/types.ts';
import { type Family, InputError, readFamily } from '../../recording/reader.ts';
import { htmlReport } from '../../report/html.ts';
import { markdownReport } from '../../report/markdown.ts';
import { hasFindingAt } from '../../report/report.ts';
import { shortReport } from '../../report/short.ts';
import { type TextOptions, textReport } from '../../report/text.ts';
import type { Report } from '../../report/types.ts';
import { painter } from '../../util/terminal.ts';
import { toJson } from '../../util/text.ts';
import { failOnOption, jsonOption, recordingArgument } from '../options.ts';
import { lookOf, reportOf, textFor } from '../output.ts';
import { type CliCommand, EXIT } from '../types.ts';
import { writePrivate } from '../write-file.ts';

type Format = 'text' | 'json' | 'markdown' | 'html';

interface Options {
  format: Format;
  json?: boolean;
  short?: boolean;
  output?: string;
  failOn?: Severity;
}

export const report: CliCommand<Options> = {
  id: 'report',
  summary: 'print the findings of a recording as text, JSON, Markdown or HTML',
  examples: [
    'evdiag report',
    'evdiag report --short                        ten lines: the worst findings',
    'evdiag report .evdiag --format html -o report.html',
    'evdiag report DIR --fail-on warning',
  ],
  configure(command) {
    command
      .addArgument(recordingArgument())
      .addOption(
        new Option('--format <format>', 'format of the report')
          .choices(['text', 'json', 'markdown', 'html'])
          .default('text'),
      )
      .addOption(jsonOption().implies({ format: 'json' }))
      .option('--short', 'print ten lines: the worst findings and their places')
      .option('-o, --output <file>', 'write to this file instead of stdout')
      .addOption(failOnOption());
  },
  run([input = '.evdiag'], { format, output, failOn, short }) {
    if (short && format !== 'text') throw new InputError(`Leave out --short: ${format} is always in full.`);
    const family = readFamily(input);
    const result = reportOf(family);
    const brief = (options: TextOptions): string =>
      shortReport(result, input === '.evdiag' ? '' : ` ${input}`, options);
    const forTerminal: ToText = short ? () => brief(lookOf(process.stdout)) : textFor.bind(null, process.stdout);
    const forFile: ToText = short ? () => brief(PLAIN) : plainText;
    if (output === undefined) process.stdout.write(render(result, family, format, forTerminal));
    else writePrivate(output, [render(result, family, format, forFile)]);
    return failOn !== undefined && hasFindingAt(result, failOn) ? EXIT.found : EXIT.done;
  },
};

type ToText = (report: Report, family: Family) => string;

function render(report: Report, family: Family, format: Format, toText: ToText): string {
  switch (format) {
    case 'json':
      return `${toJson(report)}\n`;
    case 'markdown':
      return markdownReport(report);
    case 'html':
      return htmlReport(report, family.recordings);
    case 'text':
      return toText(report, family);
  }
}

const PLAIN: TextOptions = { paint: painter(false), width: 100 };

function plainText(report: Report, family: Family): string {
  return textReport(report, family.recordings, PLAIN);
}
