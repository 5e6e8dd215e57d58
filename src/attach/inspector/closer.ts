/**
 * SIGUSR1 cannot be taken back, and whoever sends it may be killed before the inspector is closed again. So a helper is started first,
 * which reads what we tell it, and when the pipe ends without "done" closes the inspector in our place: `close-inspector.ts`.
 */
import { spawn } from 'node:child_process';
import { builtFile } from '../../util/package-root.ts';
import { startTicks } from '../process/state.ts';

export interface Closer {
  /** The signal is sent now. */
  sending(): void;
  /** The inspector is open at that port. */
  opened(port: number): void;
  /** It is closed, or was never opened: the helper ends. */
  release(): void;
  /** The helper goes on alone. */
  leaveIt(): void;
}

/** `before`: sockets of the process that listen already. */
export function startCloser(pid: number, before: ReadonlySet<string>): Closer {
  const words = [builtFile('close-inspector.cjs'), String(pid), String(startTicks(pid)), [...before].join()];
  // A session of its own: what ends ours (Ctrl-C, a terminal that is closed) does not end it.
  const helper = spawn(process.execPath, words, {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    env: { PATH: process.env.PATH },
  });
  helper.unref();
  // Without it the command works all the same.
  helper.on('error', () => {});
  const { stdin } = helper;
  stdin.on('error', () => {});
  const say = (word: string): void => void stdin.write(`${word}\n`);
  return {
    sending: () => say('sent'),
    opened: (port) => say(`port ${port}`),
    release: () => void stdin.end('done\n'),
    leaveIt: () => void stdin.end(),
  };
}
