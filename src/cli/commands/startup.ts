import type { MeasuredStartup } from '../../protocol/measured-startup.ts';
import { InputError } from '../../recording/reader.ts';
import { commandText } from '../../report/words.ts';
import { startupProfile } from '../../startup/startup-profile.ts';
import { startupText } from '../../startup/startup-text.ts';
import { startupOf } from '../../startup/startup-tree.ts';
import { redactArguments } from '../../util/redact.ts';
import { hasColor, painter } from '../../util/terminal.ts';
import { formatMs, plural } from '../../util/text.ts';
import { UserError } from '../../util/user-error.ts';
import { measureStartup } from '../measure-startup.ts';
import { jsonOption, numberBetween } from '../options.ts';
import { complain, printJson } from '../output.ts';
import { exporterFor } from '../profile/export-profile.ts';
import { type CliCommand, EXIT } from '../types.ts';
import { writePrivate } from '../write-file.ts';

interface Options {
  output?: string;
  duration?: number;
  all?: boolean;
  json?: boolean;
}

export const startup: CliCommand<Options> = {
  id: 'startup',
  summary: 'show what loading its modules costs a program, by package and as a tree',
  examples: [
    'evdiag startup -- node app.js',
    'evdiag startup -o startup.html -- npm start',
    'evdiag startup --json -- node --import tsx app.ts > startup.json',
  ],
  configure(command) {
    command
      .usage('[options] -- <command...>')
      .passThroughOptions()
      .argument('[command...]', 'the program and its arguments, after --')
      .option('-o, --output <file>', 'also write a flamegraph of the modules (.html, .svg, or another format)')
      .option(
        '--duration <seconds>',
        'measure for this long (default: until the program has done nearly nothing for a second)',
        numberBetween(0.1, 3600),
      )
      .option('--all', 'show all packages and modules')
      .addOption(jsonOption());
  },
  async run(command, { output, duration, all, json }) {
    if (command.length === 0) {
      throw new InputError('There is no command to run. Write it after "--": evdiag startup -- node app.js');
    }
    const exporter = output === undefined ? null : exporterFor(output, undefined, 'html');
    const measured = await measureStartup(command, { ms: (duration ?? 0) * 1000, quiet: json === true });
    if (measured.length === 0) throw new UserError(NOTHING, 'not-started');
    const { one, result, others } = slowest(measured);
    if (result.modules.length === 0) throw new UserError(NO_MODULE, 'not-started');
    const argv = commandText(redactArguments(one.argv));
    if (json) {
      const { pid, nodeVersion, reason, untilMs } = one;
      printJson({
        schema: 'evdiag-startup/1',
        pid,
        argv,
        nodeVersion,
        reason,
        untilMs,
        otherProcesses: others,
        ...result,
      });
    } else {
      complain(`${argv}: ${REASONS[one.reason](formatMs(one.untilMs))}.`);
      if (others > 0) complain(`${plural(others, 'other process', 'other processes')} loaded less.`);
      process.stdout.write(startupText(result, { paint: painter(hasColor(process.stdout)), all: all === true }));
    }
    if (output !== undefined && exporter) {
      writePrivate(output, [exporter.write(startupProfile(result, argv))]);
      complain(`${output}: ${exporter.title} of the modules.`);
    }
    return EXIT.done;
  },
};

const NOTHING =
  'Nothing was measured: the program is not a Node.js program, was ended by a signal, or may not write temporary files.';
const NO_MODULE = 'No module took long enough to be seen: the program loads next to nothing.';
const REASONS: Record<MeasuredStartup['reason'], (until: string) => string> = {
  waits: (until) => `it was up after ${until}; evdiag ended it when it had waited for a second`,
  exit: (until) => `it ended after ${until}`,
  time: (until) => `it was not up after ${until}, and was ended`,
};

/** A loader or npm starts the program in a process of its own. */
function slowest(measured: readonly MeasuredStartup[]) {
  const all = measured.map((one) => ({ one, result: startupOf(one) }));
  all.sort((a, b) => b.result.totalMs - a.result.totalMs);
  return { ...all[0]!, others: all.length - 1 };
}
