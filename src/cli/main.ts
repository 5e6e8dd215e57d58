import { Command } from 'commander';
import { InputError } from '../util/input-error.ts';
import { packageVersion } from '../util/package-root.ts';
import { nodeCode } from '../util/user-error.ts';
import { commands } from './commands/index.ts';
import { failureOf } from './failure.ts';
import { complain } from './output.ts';
import { type CliCommand, EXIT } from './types.ts';

/** Runs the command line (without node and script); resolves to the exit code. Every error ends here. */
export async function main(argv: string[]): Promise<number> {
  const words = withCommand(argv);
  let exitCode: number = EXIT.done;
  const program = buildProgram((code) => {
    exitCode = code;
  });
  let crashed = false;
  let over = false;
  const crash = new Promise<never>((_resolve, reject) => {
    onUncaught((error) => {
      // The last output may fail when everything else is done.
      if (over) process.exit(reportFailure(error, words));
      crashed = true;
      reject(error);
    });
  });
  try {
    await Promise.race([program.parseAsync(words, { from: 'user' }), crash]);
    return exitCode;
  } catch (error) {
    const code = reportFailure(error, words);
    // Other work in progress cannot be relied on any more.
    if (crashed) process.exit(code);
    return code;
  } finally {
    over = true;
  }
}

/** A process number alone means `top`. */
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
    // Errors of commander become one sentence in failure.ts.
    .configureOutput({ outputError: () => {}, writeErr: (text) => void process.stderr.write(text) });
  addExamples(program, [
    'evdiag run -- node app.js',
    'evdiag report',
    'evdiag 4711                   short for "evdiag top 4711"',
    'evdiag explain blocked-event-loop',
  ]);
  for (const command of commands) addCommand(program, command, done);
  return program;
}

function addCommand(program: Command, command: CliCommand<never>, done: (exitCode: number) => void): void {
  const sub = program.command(command.id).summary(command.summary).description(sentence(command.summary));
  sub.helpOption('-h, --help', 'print help');
  for (const alias of command.aliases ?? []) sub.alias(alias);
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

/** Prints the message for an exception; returns its exit code. */
function reportFailure(error: unknown, argv: readonly string[]): number {
  const { exitCode, message } = failureOf(error, argv);
  if (message !== null) complain(message);
  if (process.env.EVDIAG_DEBUG && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  return exitCode;
}

/** Calls back for exceptions that nobody catches: in an event, a timer, a promise. */
function onUncaught(crash: (error: unknown) => void): void {
  const onError = (error: NodeJS.ErrnoException): void => {
    // `evdiag report | head` closes our stdout early: that is no error.
    if (error.code !== 'EPIPE') crash(new InputError(`The output cannot be written (${nodeCode(error)}).`));
  };
  for (const stream of [process.stdout, process.stderr]) stream.on('error', onError);
  process.on('uncaughtException', crash).on('unhandledRejection', crash);
}
