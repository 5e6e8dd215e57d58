import { Option } from 'commander';
import type { Severity } from '../../detectors/types.ts';
import { type Family, InputError, readFamily } from '../../recording/reader.ts';
import { githubReport } from '../../report/github.ts';
import { htmlReport } from '../../report/html.ts';
import { junitReport } from '../../report/junit.ts';
import { markdownReport } from '../../report/markdown.ts';
import { hasFindingAt, headed } from '../../report/report.ts';
import { sarifReport } from '../../report/sarif.ts';
import { shortReport } from '../../report/short.ts';
import { type TextOptions, textReport } from '../../report/text.ts';
import type { Report } from '../../report/types.ts';
import { editorPattern } from '../../util/editors.ts';
import { painter } from '../../util/terminal.ts';
import { toJson } from '../../util/text.ts';
import { askBudget, budgetOption, printBudget, readBudget } from '../budget.ts';
import { editorOption, failOnOption, jsonOption, recordingArgument } from '../options.ts';
import { lookOf, reportOf, textFor } from '../output.ts';
import { askDoctor, findDoctor } from '../second-opinion/ask.ts';
import { secondOpinion } from '../second-opinion/compare.ts';
import { opinionText } from '../second-opinion/text.ts';
import type { SecondOpinion } from '../second-opinion/types.ts';
import { type CliCommand, EXIT } from '../types.ts';
import { writePrivate } from '../write-file.ts';

const FORMATS = ['text', 'json', 'markdown', 'html', 'github', 'sarif', 'junit'] as const;
type Format = (typeof FORMATS)[number];

interface Options {
  format: Format;
  json?: boolean;
  short?: boolean;
  output?: string;
  editor: string;
  failOn?: Severity;
  budget?: string | true;
  secondOpinion?: string;
}

export const report: CliCommand<Options> = {
  id: 'report',
  summary: 'print the findings of a recording as text, JSON, Markdown or HTML, or for CI',
  examples: [
    'evdiag report',
    'evdiag report --short                        ten lines: the worst findings',
    'evdiag report .evdiag --format html -o report.html',
    'evdiag report --format html --editor idea -o report.html',
    'evdiag report DIR --fail-on warning',
    'evdiag report DIR --format github            annotations in a pull request',
    'evdiag report DIR --format sarif -o evdiag.sarif',
    'evdiag report DIR --second-opinion clinic    what clinic doctor says of it, beside',
  ],
  configure(command) {
    command
      .addArgument(recordingArgument())
      .addOption(new Option('--format <format>', 'format of the report').choices(FORMATS).default('text'))
      .addOption(jsonOption().implies({ format: 'json' }))
      .option('--short', 'print ten lines: the worst findings and their places')
      .option('-o, --output <file>', 'write to this file instead of stdout')
      .addOption(editorOption())
      .addOption(failOnOption())
      .addOption(budgetOption())
      .addOption(
        new Option('--second-opinion <tool>', 'let this tool judge the recording as well (text and JSON)').choices([
          'clinic',
        ]),
      );
  },
  async run([input = '.evdiag'], { format, output, failOn, short, budget: file, editor, secondOpinion: tool }) {
    if (short && format !== 'text') throw new InputError(`Leave out --short: ${format} is always in full.`);
    if (tool !== undefined && format !== 'text' && format !== 'json') {
      throw new InputError(`Leave out --second-opinion: it is for text and JSON, not for ${format}.`);
    }
    // Before anything is read: without it there is no point.
    const doctor = tool === undefined ? null : findDoctor();
    const budget = readBudget(file);
    const pattern = editorPattern(editor);
    const family = readFamily(input);
    const result = reportOf(family);
    const opinion = doctor === null ? null : await ask(result, family, doctor);
    const common = { format, failOn, editor: pattern, opinion };
    const brief = (options: TextOptions): string =>
      shortReport(result, input === '.evdiag' ? '' : ` ${input}`, options);
    const forTerminal: ToText = short ? () => brief(lookOf(process.stdout)) : textFor.bind(null, process.stdout);
    const forFile: ToText = short ? () => brief(PLAIN) : plainText;
    if (output === undefined)
      process.stdout.write(
        render(result, family, { ...common, toText: withOpinion(forTerminal, opinion, lookOf(process.stdout)) }),
      );
    else writePrivate(output, [render(result, family, { ...common, toText: withOpinion(forFile, opinion, PLAIN) })]);
    const asked = budget && askBudget(budget, result, family);
    // On stderr: stdout is the report's, in any format.
    if (budget && asked) printBudget(budget, asked.results);
    const isFound = failOn !== undefined && hasFindingAt(result, failOn);
    return isFound || asked?.kept === false ? EXIT.found : EXIT.done;
  },
};

type ToText = (report: Report, family: Family) => string;

interface Rendering {
  format: Format;
  failOn: Severity | undefined;
  /** Its addresses, for links. */
  editor: string;
  opinion: SecondOpinion | null;
  toText: ToText;
}

function render(report: Report, family: Family, { format, failOn, editor, opinion, toText }: Rendering): string {
  switch (format) {
    case 'json':
      return `${toJson(opinion ? { ...report, secondOpinion: opinion } : report)}\n`;
    case 'markdown':
      return markdownReport(report);
    case 'html':
      return htmlReport(report, family.recordings, { editor });
    case 'github':
      return githubReport(report, checkout());
    case 'sarif':
      return sarifReport(report, checkout());
    case 'junit':
      return junitReport(report, failOn ?? 'warning');
    case 'text':
      return toText(report, family);
  }
}

async function ask(report: Report, family: Family, doctor: string): Promise<SecondOpinion> {
  // It judges one process: the one at the head of the report.
  const recording = headed(report, family.recordings)!;
  return secondOpinion(report, recording, await askDoctor(recording, doctor));
}

function withOpinion(toText: ToText, opinion: SecondOpinion | null, options: TextOptions): ToText {
  if (opinion === null) return toText;
  return (report, family) => toText(report, family) + opinionText(opinion, options);
}

/** Where paths in annotations begin: GitHub's checkout, or the folder that the command runs in. */
function checkout(): string {
  return process.env.GITHUB_WORKSPACE || process.cwd();
}

const PLAIN: TextOptions = { paint: painter(false), width: 100 };

function plainText(report: Report, family: Family): string {
  return textReport(report, family.recordings, PLAIN);
}
