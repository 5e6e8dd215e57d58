import { Command, CommanderError } from 'commander';
import { InputError } from '../recording/reader.ts';
import { packageVersion } from '../util/package-root.ts';
import { commands } from './commands/index.ts';
import { complain } from './output.ts';
import { type CliCommand, EXIT } from './types.ts';

/** Runs the command line (without node and script); resolves to the exit code. */
export async function main(argv: string[]): Promise<number> {
  surviveClosedPipes();
  let exitCode: number = EXIT.done;
  const program = buildProgram((code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(withCommand(argv), { from: 'user' });
    return exitCode;
  } catch (error) {
    return failureCode(error, withCommand(argv));
  }
}

/** The number of a process alone is watched. */
function withCommand(argv: readonly string[]): string[] {
  return /^\d+$/.test(argv[0] ?? '') ? ['top', ...argv] : [...argv];
}

function buildProgram(done: (exitCode: number) => void): Command {
  const program = new Command('evdiag')
    .description('Event-loop diagnostics for Node.js: what blocks, where, and what to change.')
    .version(packageVersion(), '--version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'print help of a command')
    .enablePositionalOptions()
    .exitOverride()
    // Errors of commander become one sentence in failureCode.
    .configureOutput({ outputError: () => {}, writeErr: (text) => void process.stderr.write(text) });
  addExamples(program, [
    'evdiag run -- node app.js',
    'evdiag report',
    'evdiag 4711                   the same as "evdiag top 4711"',
    'evdiag explain blocked-event-loop',
  ]);
  for (const command of commands) addCommand(program, command, done);
  return program;
}

function addCommand(program: Command, command: CliCommand<never>, done: (exitCode: number) => void): void {
  const sub = program.command(command.id).summary(command.summary).description(sentence(command.summary));
  sub.helpOption('-h, --help', 'print help');
  command.configure(sub);
  addExamples(sub, command.examples);
  // opts() is what configure declared: commander checked it, the types cannot.
  sub.action(async () => done(await command.run(sub.args, sub.opts() as never)));
}

function addExamples(command: Command, examples: readonly string[]): void {
  command.addHelpText('after', `\nExamples:\n${examples.map((example) => `  $ ${example}`).join('\n')}`);
}

function sentence(fragment: string): string {
  return `${fragment.charAt(0).toUpperCase()}${fragment.slice(1)}.`;
}

function failureCode(error: unknown, argv: readonly string[]): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return EXIT.done; // --help and --version
    if (error.code !== 'commander.help') complain(usageMessage(error, argv));
    return EXIT.usage;
  }
  if (error instanceof InputError) complain(error.message);
  else
    complain(
      `This is a bug in evdiag: ${error instanceof Error ? error.message : String(error)}. EVDIAG_DEBUG=1 shows where.`,
    );
  if (process.env.EVDIAG_DEBUG && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  return EXIT.usage;
}

/** "error: unknown option '--x'\n(Did you mean --y?)" as sentences on one line. */
function usageMessage(error: CommanderError, argv: readonly string[]): string {
  const words = error.message.replace(/^error: /, '').replace(/\n\(Did you mean (.*)\?\)/, '. Did you mean $1?');
  const command = commands.find(({ id }) => id === argv[0])?.id;
  const help = command === undefined ? 'evdiag --help' : `evdiag ${command} --help`;
  return `${words.charAt(0).toUpperCase()}${words.slice(1).replace(/([^.?])$/, '$1.')} See "${help}".`;
}

/** `evdiag report | head` closes our stdout early: that is no error. */
function surviveClosedPipes(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
  }
}
