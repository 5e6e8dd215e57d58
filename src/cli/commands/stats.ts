import { Option } from 'commander';
import { withoutIdle } from '../../profile/call-tree.ts';
import { GROUPINGS, type Grouping, type Table, tableOf } from '../../profile/table.ts';
import { takenText } from '../../profile/taken-text.ts';
import { tableText, treeText } from '../../profile/text.ts';
import { hasColor, painter, terminalWidth } from '../../util/terminal.ts';
import { stripControl } from '../../util/text.ts';
import { jsonOption, numberBetween } from '../options.ts';
import { complain, printJson } from '../output.ts';
import { type CutOptions, cutOptions, inputProfile } from '../profile/profile-input.ts';
import { type CliCommand, EXIT } from '../types.ts';

interface Options extends CutOptions {
  by: Grouping;
  lines?: boolean;
  tree?: boolean;
  sort: Sort;
  rows: number;
  json?: boolean;
}

type Sort = 'self' | 'total' | 'name' | 'tottime' | 'cumtime';

export const stats: CliCommand<Options> = {
  id: 'stats',
  summary: 'list the functions, files, packages or lines of a profile by their cost',
  examples: [
    'evdiag stats app.cpuprofile',
    'evdiag stats app.cpuprofile --lines',
    'evdiag stats app.heapprofile --by package',
    'evdiag stats app.cpuprofile --tree --focus handler',
    'evdiag stats app.cpuprofile --finding blocked-event-loop',
  ],
  configure(command) {
    command
      .argument('<input>', 'profile, or a folder (its newest profile)')
      .addOption(new Option('--by <what>', 'what a row is').choices(GROUPINGS).default('function'))
      .option('--lines', 'the same as --by line')
      .option('--tree', 'print the call tree instead of a table')
      .addOption(
        new Option('--sort <column>', 'self (tottime in pstats), total (cumtime) or name')
          .choices(['self', 'total', 'name', 'tottime', 'cumtime'])
          .default('self'),
      )
      .option('--rows <number>', 'number of rows to show', numberBetween(1, 100_000), 30)
      .addOption(jsonOption());
    for (const option of cutOptions()) command.addOption(option);
  },
  run([input = ''], options) {
    const profile = inputProfile(input, options);
    const table = sorted(tableOf(profile, options.lines ? 'line' : options.by), options.sort);
    if (options.json) {
      const { kind, unit, title } = profile;
      printJson({ schema: 'evdiag-stats/1', title, kind, unit, ...table, rows: table.rows.slice(0, options.rows) });
      return EXIT.done;
    }
    const text = { paint: painter(hasColor(process.stdout)), width: terminalWidth(process.stdout), rows: options.rows };
    process.stdout.write(`${text.paint(stripControl(profile.title), 'bold')}  ${takenText(profile)}\n\n`);
    if (options.tree) {
      for (const thread of profile.threads) process.stdout.write(treeText(withoutIdle(thread), profile.unit, text));
      return EXIT.done;
    }
    if (table.grouping === 'line' && table.rows.length === 0)
      complain(
        isPartOfTime(options)
          ? 'V8 reports lines for the whole time only: leave out --from, --to, --stall and --finding.'
          : "This profile has no source lines: only V8's CPU profiles have them, except for code that Deno transpiled.",
      );
    process.stdout.write(tableText(table, profile.unit, text));
    return EXIT.done;
  },
};

function isPartOfTime({ from, to, stall, finding }: CutOptions): boolean {
  return [from, to, stall, finding].some((option) => option !== undefined);
}

function sorted(table: Table, by: Sort): Table {
  const rows = [...table.rows];
  if (by === 'total' || by === 'cumtime') rows.sort((a, b) => b.total - a.total || b.self - a.self);
  if (by === 'name') rows.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  return { ...table, rows };
}
