import { existsSync } from 'node:fs';
import { Option } from 'commander';
import type { Severity } from '../../detectors/types.ts';
import { type Family, InputError, readFamily } from '../../recording/reader.ts';
import type { Level } from '../../recording/types.ts';
import { hasFindingAt } from '../../report/report.ts';
import { askBudget, budgetOption, printBudget, type ReadBudget, readBudget } from '../budget.ts';
import { GRACE_MS, launch, removeEmpty } from '../launch.ts';
import { screenFor } from '../live/run-screen.ts';
import { requireTerminal, terminalLook } from '../live/tui.ts';
import { failOnOption, jsonOption, numberBetween } from '../options.ts';
import { complain, printJson, reportOf, textFor } from '../output.ts';
import { type CliCommand, EXIT } from '../types.ts';

interface Options {
  level: Level;
  out: string;
  duration?: number;
  slowMs?: number;
  failOn?: Severity;
  budget?: string | true;
  json?: boolean;
  tui?: boolean;
  ascii?: boolean;
}

export const run: CliCommand<Options> = {
  id: 'run',
  summary: 'run a program under the agent and report at the end',
  examples: [
    'evdiag run -- node app.js',
    'evdiag run --duration 30 --fail-on warning -- node server.js --port 8080',
    'evdiag run --json -- npm start > report.json',
    'evdiag run --tui -- node server.js',
    'evdiag run --budget -- npm run load-test     exit with 1 unless evdiag.config.json is kept',
  ],
  configure(command) {
    command
      .usage('[options] -- <command...>')
      .passThroughOptions()
      .argument('[command...]', 'the program and its arguments, after --')
      .addOption(
        new Option('--level <level>', "budget of a thread's time: watch 0.5 %, diagnose 5 % (or EVDIAG_BUDGET)")
          .choices(['watch', 'diagnose'])
          .default('diagnose'),
      )
      .option('--out <folder>', 'folder for the recordings', process.env.EVDIAG_OUT || '.evdiag')
      .option(
        '--duration <seconds>',
        `end the program after this time: SIGTERM, then SIGKILL ${GRACE_MS / 1000} s later`,
        numberBetween(0.1, 1e6),
      )
      .option(
        '--slow-ms <ms>',
        'report a stall when the loop is blocked for this long (default: 100)',
        numberBetween(20, 3_600_000),
      )
      .option('--tui', 'watch it live in the terminal; the output of the program is printed afterwards')
      .option('--ascii', 'with --tui: draw with ASCII characters only')
      .addOption(failOnOption())
      .addOption(budgetOption())
      .addOption(jsonOption());
  },
  async run(command, { level, out, duration, slowMs, failOn, budget: file, json, tui, ascii }) {
    if (command.length === 0) {
      throw new InputError('There is no command to run. Write it after "--": evdiag run -- node app.js');
    }
    const budget = readBudget(file);
    if (tui) requireTerminal('run --tui');
    const screen = tui ? screenFor(command, terminalLook(ascii)) : null;
    const launched = await launch({
      command,
      out,
      level,
      ...(slowMs !== undefined && { slowMs }),
      ...(duration !== undefined && { durationMs: duration * 1000 }),
      // With --json, stdout is the report's: the program's own output moves to stderr.
      stdio: screen ? ['ignore', 'pipe', 'pipe'] : json ? ['inherit', 2, 2] : 'inherit',
      ...(screen && { onStart: screen.open }),
    });
    const quitFirst = (await screen?.closed()) ?? false;
    const exitCode = launched.stopped || quitFirst ? EXIT.done : launched.exitCode;
    const family = recorded(launched.family);
    if (family === null) return exitCode === EXIT.done ? EXIT.target : exitCode;
    return show(family, json === true, failOn, budget) ? EXIT.found : exitCode;
  },
};

function recorded(folder: string): Family | null {
  try {
    return readFamily(folder);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    removeEmpty(folder);
    complain(nothingRecorded(folder, error));
    return null;
  }
}

function nothingRecorded(folder: string, { message }: InputError): string {
  // The reader says why it cannot be read.
  if (existsSync(folder)) return message;
  return 'Nothing was recorded: the program is not a Node.js program, or it ended before the agent could start or write.';
}

/** Prints the report; true if it has a finding at least that severe, or does not keep the budget. */
function show(family: Family, json: boolean, failOn: Severity | undefined, budget: ReadBudget | null): boolean {
  const report = reportOf(family);
  const asked = budget && askBudget(budget, report, family);
  if (json) printJson(asked ? { ...report, budget: asked.results } : report);
  else process.stderr.write(`\n${textFor(process.stderr, report, family)}`);
  if (budget && asked && !json) printBudget(budget, asked.results);
  return (failOn !== undefined && hasFindingAt(report, failOn)) || asked?.kept === false;
}
