import type { ChildProcess } from 'node:child_process';
import type { Look } from '../../tui/views/palette.ts';
import type { EndSignal } from '../../util/end-signals.ts';
import { GRACE_MS } from '../launch.ts';
import { hasEnded, programOf } from './crowd.ts';
import { showLive } from './live-screen.ts';

/** This many characters of the program's output are kept, to be shown afterwards. */
const MAX_OUTPUT = 100_000;

export interface RunScreen {
  open(child: ChildProcess, family: string): void;
  /** Resolves when the screen is closed and the program has ended; true if the user quit before the program ended. */
  closed(): Promise<boolean>;
}

/** The live screen over a program that we start; its output would disturb it, and is printed afterwards. */
export function screenFor(command: readonly string[], look: Look): RunScreen {
  let closing = Promise.resolve(false);
  return {
    open(child, family) {
      const printLater = [keepOutput(child.stdout, process.stdout), keepOutput(child.stderr, process.stderr)];
      let gone = false;
      const onGone = (): void => {
        gone = true;
      };
      let members: readonly number[] = [];
      const onClose = (pids: readonly number[]): void => {
        members = pids;
      };
      const screen = showLive(programOf(child, family), { subject: command.join(' '), look, onGone, onClose });
      const kill = (signal: NodeJS.Signals): void => {
        child.kill(signal);
        // What Ctrl-C at a terminal does: npm and shells do not pass a signal on.
        for (const pid of members) if (pid !== child.pid) killIfThere(pid, signal);
      };
      closing = watchUntilBothEnd(child, screen, () => gone, kill).finally(() => {
        for (const print of printLater) print();
      });
      // Awaited in `closed`, when the program has ended.
      closing.catch(() => {});
    },
    closed: () => closing,
  };
}

/** Whether the screen was closed first. The program is ended then, as nobody would see it. */
async function watchUntilBothEnd(
  child: ChildProcess,
  screen: Promise<EndSignal | null>,
  isGone: () => boolean,
  kill: (signal: NodeJS.Signals) => void,
): Promise<boolean> {
  let signal: EndSignal | null = null;
  let quitFirst = false;
  try {
    signal = await screen;
  } finally {
    // The agent reports the end some ms before the system does.
    if (isGone()) await endWithin(child, GRACE_MS);
    quitFirst = !hasEnded(child);
    if (quitFirst) await endProgram(child, signal ?? 'SIGTERM', kill);
  }
  return quitFirst;
}

function endWithin(child: ChildProcess, ms: number): Promise<void> {
  if (hasEnded(child)) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    child.once('exit', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** SIGKILL if it does not end by itself; other processes that still hold its output are left alone. */
function endProgram(
  child: ChildProcess,
  signal: NodeJS.Signals,
  kill: (signal: NodeJS.Signals) => void,
): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      kill('SIGKILL');
      child.stdout?.destroy();
      child.stderr?.destroy();
    }, GRACE_MS);
    child.once('close', () => {
      clearTimeout(timer);
      resolve();
    });
    kill(signal);
  });
}

function killIfThere(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended.
  }
}

function keepOutput(from: NodeJS.ReadableStream | null, to: NodeJS.WritableStream): () => void {
  let kept = '';
  let cut = false;
  from?.setEncoding('utf8').on('data', (text: unknown) => {
    kept += String(text);
    if (kept.length > 2 * MAX_OUTPUT) {
      kept = kept.slice(-MAX_OUTPUT);
      cut = true;
    }
  });
  return () => void to.write(cut ? `… (only the last of what it printed)\n${kept}` : kept);
}
