/** Opens the inspector of a process by SIGUSR1, and sees to it that it is closed again. */
import { setTimeout as pause } from 'node:timers/promises';
import { listenersOf } from '../process/listeners.ts';
import { requireAnswerable, startTicks } from '../process/state.ts';
import { endedText, TargetError } from '../target-error.ts';

const POLL_MS = 2;
/** From then on whoever waits is told why. */
const TELL_AFTER_MS = 1000;
const TELL_EVERY_MS = 500;

/** The inspector's port while it is open. */
export interface OpenPort {
  port: number;
  /** When it was first seen, by performance.now(). */
  openedAt: number;
}

export interface Waiting {
  timeoutMs: number;
  signal?: AbortSignal | undefined;
  onProgress(words: string): void;
  /** Between two looks. */
  pollMs?: number;
}

/** The process does not open its inspector in time: it is inside a native call, and will when that returns. */
export class StillBusy extends TargetError {
  constructor(message: string) {
    super(message, 'no-answer');
  }
}

/**
 * Sends SIGUSR1 and waits for the port. `prove` is called right before, and throws unless Node handles that signal at this moment: a
 * program may have changed that since it was looked at first.
 */
export async function openPort(
  pid: number,
  before: ReadonlySet<string>,
  prove: () => void,
  waiting: Waiting,
): Promise<OpenPort> {
  const started = startTicks(pid);
  prove();
  try {
    process.kill(pid, 'SIGUSR1');
  } catch {
    throw new TargetError(`Process ${pid} does not take a signal from you. Run evdiag as its user, or as root.`);
  }
  return waitForPort(pid, before, started, waiting);
}

/** `before`: sockets that listened before. */
export async function waitForPort(
  pid: number,
  before: ReadonlySet<string>,
  started: number | null,
  { timeoutMs, signal, onProgress, pollMs = POLL_MS }: Waiting,
): Promise<OpenPort> {
  const from = performance.now();
  let toldAt = from + TELL_AFTER_MS - TELL_EVERY_MS;
  for (;;) {
    const found = newListener(pid, before);
    const now = performance.now();
    if (found) return { port: found.port, openedAt: now };
    if (startTicks(pid) !== started) throw new TargetError(endedText(pid));
    requireAnswerable(pid);
    if (now - from > timeoutMs || signal?.aborted) throw new StillBusy(busyText(pid, now - from));
    if (now - toldAt >= TELL_EVERY_MS) {
      toldAt = now;
      const seconds = Math.round((now - from) / 1000);
      onProgress(`process ${pid} is inside a native call and opens its inspector when that returns (${seconds} s)`);
    }
    await pause(pollMs);
  }
}

/** Waits until it listens no more; when, by performance.now(). Null where it still does after that time. */
export async function waitForClose(pid: number, port: number, timeoutMs: number): Promise<number | null> {
  const giveUpAt = performance.now() + timeoutMs;
  for (;;) {
    const isOpen = listening(pid).some((one) => one.port === port);
    const now = performance.now();
    if (!isOpen) return now;
    if (now > giveUpAt) return null;
    await pause(1);
  }
}

function newListener(pid: number, before: ReadonlySet<string>) {
  return listening(pid).find(({ inode, isLoopback }) => isLoopback && !before.has(inode));
}

/** Whether that process listens on loopback at that port, by a socket that was not there before. */
export function isOpen(pid: number, port: number, before: ReadonlySet<string>): boolean {
  return listening(pid).some((one) => one.port === port && one.isLoopback && !before.has(one.inode));
}

/** Nothing, once it has ended. */
function listening(pid: number): ReturnType<typeof listenersOf> {
  try {
    return listenersOf(pid);
  } catch {
    return [];
  }
}

function busyText(pid: number, ms: number): string {
  return `Process ${pid} did not open its inspector within ${Math.round(ms / 1000)} s: its main thread is inside a native call, which nothing can interrupt.`;
}
