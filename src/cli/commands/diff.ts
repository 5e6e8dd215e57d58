import { Option } from 'commander';
import { diffFlamegraph } from '../../exporters/diff-flamegraph.ts';
import { cautionOf, diffOf } from '../../profile/diff.ts';
import { GROUPINGS, type Grouping } from '../../profile/table.ts';
import { diffText } from '../../profile/text.ts';
import { InputError } from '../../util/input-error.ts';
import { hasColor, painter, terminalWidth } from '../../util/terminal.ts';
import { jsonOption, numberBetween } from '../options.ts';
import { complain, printJson } from '../output.ts';
import { type CutOptions, cutOptions, inputProfile } from '../profile/profile-input.ts';
import { type CliCommand, EXIT } from '../types.ts';
import { writePrivate } from '../write-file.ts';

interface Options extends CutOptions {
  by: Grouping;
  absolute?: boolean;
  output?: string;
  rows: number;
  json?: boolean;
}

export const diff: CliCommand<Options> = {
  id: 'diff',
  summary: 'compare two profiles',
  examples: [
    'evdiag diff before.cpuprofile after.cpuprofile',
    'evdiag diff monday.heapprofile tuesday.heapprofile --by package',
    'evdiag diff before.cpuprofile after.cpuprofile --absolute',
    'evdiag diff before.cpuprofile after.cpuprofile -o diff.svg',
  ],
  configure(command) {
    command
      .argument('<before>', 'profile')
      .argument('<after>', 'profile of the same kind')
      .addOption(new Option('--by <what>', 'what a row is').choices(GROUPINGS).default('function'))
      .option('--absolute', 'compare absolute times instead of shares of the whole')
      .option('-o, --output <file>', 'draw the second profile as a flamegraph (SVG): red has grown, blue has shrunk')
      .option('--rows <number>', 'number of rows to show', numberBetween(1, 100_000), 30)
      .addOption(jsonOption());
    for (const option of cutOptions()) command.addOption(option);
  },
  run([before = '', after = ''], options) {
    const [a, b] = [inputProfile(before, options), inputProfile(after, options)];
    if (a.unit !== b.unit || a.kind !== b.kind) {
      throw new InputError(
        `"${before}" and "${after}" are of different kinds (${a.kind}, ${b.kind}): give two of the same kind.`,
      );
    }
    if (options.output !== undefined) {
      writePrivate(options.output, [diffFlamegraph(a, b)]);
      complain(`${options.output}: red has grown, blue has shrunk.`);
      const caution = cautionOf(a, b);
      if (caution) complain(`${caution} Record for longer.`);
      return EXIT.done;
    }
    const result = diffOf(a, b, options.by, options.absolute ? false : undefined);
    if (options.json) {
      printJson({ schema: 'evdiag-diff/1', ...result, rows: result.rows.slice(0, options.rows) });
      return EXIT.done;
    }
    const text = { paint: painter(hasColor(process.stdout)), width: terminalWidth(process.stdout), rows: options.rows };
    process.stdout.write(diffText(result, text));
    return EXIT.done;
  },
};
