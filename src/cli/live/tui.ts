import { InputError } from '../../recording/reader.ts';
import type { Look } from '../../tui/views/palette.ts';
import { needsAscii } from '../../tui/views/palette.ts';
import { hasColor } from '../../util/terminal.ts';

/** Throws InputError if there is no terminal to draw on. */
export function requireTerminal(command: string): void {
  if (process.stdin.isTTY && process.stdout.isTTY && process.env.TERM !== 'dumb') return;
  throw new InputError(
    `"evdiag ${command}" needs a terminal, and there is none. "evdiag report" prints the findings of a recording.`,
  );
}

/** How the terminal looks: NO_COLOR, the character set of the locale, `--ascii`. */
export function terminalLook(ascii: boolean | undefined): Look {
  return { color: hasColor(process.stdout), ascii: ascii === true || needsAscii(process.env) };
}
