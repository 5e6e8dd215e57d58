import { Option } from 'commander';
import { analyseSnapshots, type SnapshotInput } from '../../leaks/analyse.ts';
import { leaksHtml } from '../../leaks/html.ts';
import { leaksMarkdown } from '../../leaks/markdown.ts';
import { leaksSvg } from '../../leaks/picture.ts';
import { leaksText } from '../../leaks/text.ts';
import type { LeakReport } from '../../leaks/types.ts';
import { hasColor, painter, terminalWidth } from '../../util/terminal.ts';
import { toJson } from '../../util/text.ts';
import { leakInput } from '../leak-input.ts';
import { attachOption, jsonOption, numberBetween, sigusr1Option } from '../options.ts';
import { progressLine } from '../progress.ts';
import { allocationNotes, leaksOfRecording } from '../recording-leaks.ts';
import { type SnapshotOptions, withSnapshots } from '../take-snapshots.ts';
import { type CliCommand, EXIT } from '../types.ts';
import { writePrivate } from '../write-file.ts';

const FORMATS = ['text', 'json', 'markdown', 'html', 'svg'] as const;
type Format = (typeof FORMATS)[number];

interface Options extends SnapshotOptions {
  format: Format;
  json?: boolean;
  output?: string;
  failOn?: 'likely' | 'possible';
}

export const leaks: CliCommand<Options> = {
  id: 'leaks',
  summary: 'find memory leaks: the variable, listener or timer that holds the objects, its line, and what to change',
  examples: [
    'evdiag leaks 4711                              takes three snapshots of a process',
    'evdiag leaks 4711 --wait 60 --out snapshots    one minute apart, and keeps them',
    'evdiag leaks 1.heapsnapshot 2.heapsnapshot 3.heapsnapshot',
    'evdiag leaks heap.heapsnapshot --format html -o leaks.html',
    'evdiag leaks .evdiag                           reads the newest recording',
  ],
  configure(command) {
    command
      .argument('<input...>', 'process ID, one to three .heapsnapshot files of one process, or a recording')
      .addOption(new Option('--format <format>', 'format of the report').choices(FORMATS).default('text'))
      .option('-o, --output <file>', 'write the report to this file')
      .option('--steps <n>', 'number of snapshots to take of a process, 1 to 3', numberBetween(1, 3), 3)
      .option(
        '--wait <seconds>',
        'time between two snapshots (default: until Enter is pressed; without a terminal, 10)',
        numberBetween(0, 86_400),
      )
      .option('--out <folder>', 'keep the snapshots in this folder')
      .option('--keep', 'keep the snapshots in the working folder')
      .option('--yes', 'do not ask before the process is paused')
      .option('--force', 'take snapshots even if memory may not suffice')
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
    const input = leakInput(operands);
    if (input.kind === 'recording') return show(leaksOfRecording(input.path), options);
    if (input.kind === 'snapshots') {
      const files = input.files.map((file) => ({ file }));
      return report(files, 'snapshots', options);
    }
    const { pid } = input;
    return withSnapshots(pid, options, (taken, family) =>
      report(taken, 'process', options, allocationNotes(family, pid)),
    );
  },
};

async function report(
  inputs: readonly SnapshotInput[],
  input: 'snapshots' | 'process',
  options: Options,
  notes: readonly string[] = [],
): Promise<number> {
  const progress = progressLine();
  let last = 0;
  try {
    const found = await analyseSnapshots(inputs, {
      input,
      onProgress(words, share) {
        if (share < 1 && Date.now() - last < 100) return;
        last = Date.now();
        progress.show(share < 1 ? `${words}: ${Math.floor(share * 100)} %` : words);
      },
    });
    progress.clear();
    return show({ ...found, notes: [...notes, ...found.notes] }, options);
  } finally {
    progress.clear();
  }
}

function show(found: LeakReport, options: Options): number {
  print(found, options);
  const failing = found.suspects.some(({ confidence }) => confidence === 'likely' || options.failOn === 'possible');
  return options.failOn && failing ? EXIT.found : EXIT.done;
}

function print(found: LeakReport, { format, json, output }: Options): void {
  const text = rendered(found, json ? 'json' : format, output === undefined);
  if (output === undefined) {
    process.stdout.write(text);
    return;
  }
  writePrivate(output, [text]);
}

function rendered(found: LeakReport, format: Format, isForTerminal: boolean): string {
  if (format === 'json') return `${toJson(found)}\n`;
  if (format === 'markdown') return leaksMarkdown(found);
  if (format === 'html') return leaksHtml(found);
  if (format === 'svg') return leaksSvg(found);
  const paint = painter(isForTerminal && hasColor(process.stdout));
  return leaksText(found, { paint, width: terminalWidth(process.stdout) });
}
