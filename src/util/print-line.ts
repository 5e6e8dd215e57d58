import { closeSync, constants, fstatSync, openSync, writeSync } from 'node:fs';

/**
 * Writes to stderr itself: a worker's `process.stderr` goes through the main thread, which may be blocked. A full or
 * closed pipe loses the line, never the host.
 */
export function printLine(line: string): void {
  print(stderr(), line);
}

/** The same, and keeps no descriptor. */
export function printOnce(line: string): void {
  const own = openAgain();
  print(own ?? 2, line);
  if (own !== null) closeSync(own);
}

function print(file: number, line: string): void {
  try {
    writeSync(file, `${line}\n`);
  } catch {
    // Nothing can be said.
  }
}

let descriptor: number | null = null;

function stderr(): number {
  descriptor ??= openAgain() ?? 2;
  return descriptor;
}

/**
 * A pipe that nobody reads, or a terminal stopped by Ctrl-S, would block this thread in the kernel, and the process
 * could not end. So it is opened once more, non-blocking: the flag of the descriptor that the host writes to stays as it is.
 */
function openAgain(): number | null {
  try {
    const kind = fstatSync(2);
    if (!kind.isFIFO() && !kind.isCharacterDevice()) return null;
    return openSync('/proc/self/fd/2', constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    // No /proc: the host's own descriptor has to do.
    return null;
  }
}
