/** What `evdiag` exits with; docs/commands/README.md has them as a table. */
export const EXIT = { done: 0, found: 1, usage: 2, target: 3, bug: 70 } as const;

/** What went wrong, for code that acts on it, and the exit code that belongs to it. */
const EXIT_CODES = {
  /** Operands or options that do not fit, a file that cannot be read or written. */
  input: EXIT.usage,
  /** There is no such process, or access is not allowed. */
  'no-target': EXIT.target,
  /** It runs without the agent. */
  'no-agent': EXIT.target,
  /** A program could not be started. */
  'not-started': EXIT.target,
  /** The connection to the process ended while it was asked. */
  ended: EXIT.target,
  /** The time in which it should have answered is over. */
  'no-answer': EXIT.target,
  /** The agent refused, and says why. */
  refused: EXIT.target,
  /** The agent is about to leave the process. */
  leaving: EXIT.target,
  /** The agent left a viewer that did not read what it watches. */
  'too-slow': EXIT.target,
} as const;

export type ErrorCode = keyof typeof EXIT_CODES;

/**
 * Something that a person can fix: the message is a sentence or two that say what to do. Any other exception is a bug of
 * evdiag's. Decide by the code, never by the text.
 */
export class UserError extends Error {
  override name = 'UserError';
  readonly exitCode: number;

  constructor(
    message: string,
    readonly code: ErrorCode,
  ) {
    super(message);
    this.exitCode = EXIT_CODES[code];
  }
}

/** The code of an error of Node's, such as ENOENT. */
export function nodeCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
}
