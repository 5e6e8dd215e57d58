import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { builtFile } from '../util/package-root.ts';
import type { Order, Reply } from './programs/types.ts';
import type { Figures, Progress } from './types.ts';

/** A process that does not end by itself within this time is killed. */
const END_MS = 5000;

export interface StartOptions {
  execArgv?: readonly string[];
  env?: Readonly<Record<string, string>>;
  onShare?: Progress;
}

/** A process that has answered, and is still there. */
export interface Started {
  figures: Figures;
  end(): Promise<void>;
}

/** Resolves when the process has done what it was told, or, a server, when it listens. Rejects with its error. */
export async function start(order: Order, { execArgv = [], env = {}, onShare }: StartOptions = {}): Promise<Started> {
  // Without our options, and without an agent that observes us: all are measured alike.
  const { NODE_OPTIONS: _, ...ours } = process.env;
  const child = fork(builtFile('lab-programs.cjs'), [], {
    execArgv: [...execArgv],
    env: { ...ours, ...env },
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  try {
    return { figures: await answerOf(child, order, onShare), end: () => end(child) };
  } catch (error) {
    await end(child);
    throw error;
  }
}

/** As `start`, in a process that ends then. */
export async function runOnce(order: Order, options?: StartOptions): Promise<Figures> {
  const { figures, end } = await start(order, options);
  await end();
  return figures;
}

function answerOf(child: ChildProcess, order: Order, onShare: Progress = () => {}): Promise<Figures> {
  return new Promise((resolve, reject) => {
    child.on('message', (reply: Reply) => {
      if ('share' in reply) onShare(reply.share);
      else if ('figures' in reply) resolve(reply.figures);
      else reject(new Error(reply.error));
    });
    child.on('error', reject);
    child.on('exit', (code, signal) => reject(new Error(`its process ended with ${signal ?? `exit code ${code}`}`)));
    child.send(order, () => {});
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  const timer = setTimeout(() => child.kill('SIGKILL'), END_MS);
  if (child.connected) child.disconnect();
  await gone;
  clearTimeout(timer);
}
