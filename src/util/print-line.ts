import { closeSync, constants, fstatSync, openSync, writeSync } from 'node:fs';

/**
 * Writes to stderr directly: a worker's `process.stderr` goes through the main thread, which may be blocked. A full or
 * closed pipe loses the line and does not harm the host.
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
    // There is no way to report anything.
  }
}

/** This thread prints nothing more. */
export function closeLine(): void {
  if (descriptor !== null && descriptor !== 2 && identityOf(descriptor) === identity) closeSync(descriptor);
  descriptor = null;
}

let descriptor: number | null = null;
let identity = '';

/** A program that closes every descriptor it finds closes ours; the number is then another file's. */
function stderr(): number {
  if (descriptor === null || identityOf(descriptor) !== identity) {
    descriptor = openAgain() ?? 2;
    identity = identityOf(descriptor);
  }
  return descriptor;
}

function identityOf(file: number): string {
  try {
    const { dev, ino } = fstatSync(file);
    return `${dev} ${ino}`;
  } catch {
    return '';
  }
}

/**
 * A pipe that nobody reads, or a terminal stopped by Ctrl-S, would block this thread in the kernel, and the process
 * could not end. So it is opened again, non-blocking: the descriptor that the host writes to keeps its flags.
 */
function openAgain(): number | null {
  try {
    const kind = fstatSync(2);
    if (!kind.isFIFO() && !kind.isCharacterDevice()) return null;
    return openSync('/proc/self/fd/2', constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    // No /proc: use the host's own descriptor.
    return null;
  }
}
