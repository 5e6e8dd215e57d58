import { InvalidArgumentError, Option } from 'commander';
import { leaksHtml } from '../../leaks/html.ts';
import { leaksMarkdown } from '../../leaks/markdown.ts';
import { leaksSvg } from '../../leaks/picture.ts';
import { leaksText } from '../../leaks/text.ts';
import type { LeakReport } from '../../leaks/types.ts';
import { editorPattern } from '../../util/editors.ts';
import { InputError } from '../../util/input-error.ts';
import { hasColor, painter, terminalWidth } from '../../util/terminal.ts';
import { toJson } from '../../util/text.ts';
import { leakReport } from '../hunt.ts';
import { leakInput } from '../leak-input.ts';
import { attachOption, editorOption, jsonOption, numberBetween, sigusr1Option } from '../options.ts';
import { type CliCommand, EXIT } from '../types.ts';
import { comparisonAs, isVerification, type VerifyOptions, verificationCode, verifyLeaks } from '../verify-leaks.ts';
import { writePrivate } from '../write-file.ts';

const FORMATS = ['text', 'json', 'markdown', 'html', 'svg'] as const;
type Format = (typeof FORMATS)[number];

interface Options extends VerifyOptions {
  format: Format;
  json?: boolean;
  output?: string;
  editor: string;
}

export const leaks: CliCommand<Options> = {
  id: 'leaks',
  summary: 'find memory leaks: the variable, listener or timer that holds the objects, its line, and what to change',
  examples: [
    'evdiag leaks 4711                              takes three snapshots of a process',
    'evdiag leaks 4711 --wait 60 --out snapshots    one minute apart, and keeps them',
    'evdiag leaks 4711 --thread "worker 2"          of a worker thread',
    'evdiag leaks 1.heapsnapshot 2.heapsnapshot 3.heapsnapshot',
    'evdiag leaks heap.heapsnapshot --format html -o leaks.html',
    'evdiag leaks .evdiag                           reads the newest recording',
    'evdiag leaks 4711 --json -o before.json        keeps what was found, to verify a fix later',
    'evdiag leaks --before before.json --after 4712 what is gone, what remains, growth per request',
    'evdiag leaks --before monday/ --after friday/  two recordings, or two folders of snapshots',
  ],
  configure(command) {
    command
      .argument('[input...]', 'process ID, one to three .heapsnapshot files of one process, or a recording')
      .option(
        '--before <input...>',
        'compare: how it was, a process, snapshots, their folder, a recording, or the JSON of an earlier call',
      )
      .option('--after <input...>', 'and how it is now; exits with 1 unless all that grew is gone')
      .option(
        '--requests <before,after>',
        'how many requests came meanwhile, where the agent has not counted them',
        counts,
      )
      .addOption(new Option('--format <format>', 'format of the report').choices(FORMATS).default('text'))
      .option('-o, --output <file>', 'write the report to this file')
      .addOption(editorOption())
      .option('--thread <name>', 'of this thread, e.g. "worker 2" (default: the main thread)')
      .option('--steps <n>', 'number of snapshots to take of a process, 1 to 3', numberBetween(1, 3), 3)
      .option(
        '--wait <seconds>',
        'time between two snapshots (default: until Enter is pressed; without a terminal, 10)',
        numberBetween(0, 86_400),
      )
      .option('--out <folder>', 'keep the snapshots in this folder')
      .option('--keep', 'keep the snapshots in the working folder')
      .option('--yes', 'do not ask before the process is paused')
      .option('--force', 'take or read snapshots even if memory may not suffice')
      .addOption(
        new Option('--fail-on <confidence>', 'exit with 1 if a suspect is at least this certain').choices([
          'possible',
          'likely',
        ]),
      )
      .addOption(attachOption())
      .addOption(sigusr1Option())
      .addOption(jsonOption());
  },
  async run(operands, options) {
    const editor = editorPattern(options.editor);
    if (isVerification(operands, options)) {
      if (options.format === 'svg') throw new InputError('A comparison has no picture of paths: give --format html.');
      const comparison = await verifyLeaks(options);
      if (!comparison) return EXIT.done;
      print((format, isForTerminal) => comparisonAs(format, comparison, isForTerminal, editor), options);
      return verificationCode(comparison, options.failOn);
    }
    const found = await leakReport(leakInput(operands), options);
    if (!found) return EXIT.done;
    print((format, isForTerminal) => reportAs(format, found, isForTerminal, editor), options);
    const failing = found.suspects.some(({ confidence }) => confidence === 'likely' || options.failOn === 'possible');
    return options.failOn && failing ? EXIT.found : EXIT.done;
  },
};

/** "4000,3900". */
function counts(text: string): [number, number] {
  const [before = 0, after = 0, ...more] = text.split(',').map(Number);
  if (before > 0 && after > 0 && more.length === 0) return [before, after];
  throw new InvalidArgumentError('It must be two numbers such as 4000,3900.');
}

function print(
  render: (format: Format, isForTerminal: boolean) => string,
  { format, json, output }: Pick<Options, 'format' | 'json' | 'output'>,
): void {
  const text = render(json ? 'json' : format, output === undefined);
  if (output === undefined) process.stdout.write(text);
  else writePrivate(output, [text]);
}

function reportAs(format: Format, found: LeakReport, isForTerminal: boolean, editor: string): string {
  if (format === 'json') return `${toJson(found)}\n`;
  if (format === 'markdown') return leaksMarkdown(found);
  if (format === 'html') return leaksHtml(found, editor);
  if (format === 'svg') return leaksSvg(found);
  const paint = painter(isForTerminal && hasColor(process.stdout));
  return leaksText(found, { paint, width: terminalWidth(process.stdout) });
}
