import { CommanderError } from 'commander';
import { EXIT, UserError } from '../util/user-error.ts';
import { bugText } from './bug-text.ts';
import { commands } from './commands/index.ts';

/** How a command that threw ends. */
export interface Failure {
  exitCode: number;
  /** One or two sentences; null if everything has been said. */
  message: string | null;
}

/** The message for an exception, and the exit code; `argv` is the command line. What is not an error of the user is a bug. */
export function failureOf(error: unknown, argv: readonly string[]): Failure {
  if (error instanceof CommanderError) return usageFailure(error, argv);
  if (error instanceof UserError) return { exitCode: error.exitCode, message: error.message };
  return { exitCode: EXIT.bug, message: bugText(error) };
}

function usageFailure(error: CommanderError, argv: readonly string[]): Failure {
  if (error.exitCode === 0) return { exitCode: EXIT.done, message: null }; // --help and --version
  return { exitCode: EXIT.usage, message: error.code === 'commander.help' ? null : usageMessage(error, argv) };
}

/** "error: unknown option '--x'\n(Did you mean --y?)" as sentences on one line. */
function usageMessage(error: CommanderError, argv: readonly string[]): string {
  const words = error.message.replace(/^error: /, '').replace(/\n\(Did you mean (.*)\?\)/, '. Did you mean $1?');
  const command = commands.find(({ id, aliases = [] }) => [id, ...aliases].includes(argv[0] ?? ''))?.id;
  const help = command === undefined ? 'evdiag --help' : `evdiag ${command} --help`;
  return `${words.charAt(0).toUpperCase()}${words.slice(1).replace(/([^.?])$/, '$1.')} See "${help}".`;
}
