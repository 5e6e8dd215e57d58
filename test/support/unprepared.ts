/** Programs that were started without the agent, and what is in their process. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { ROOT, TEST_NODE } from './run-agent.ts';

/** SIGUSR1 opens the inspector at a port that nobody else has. */
export const ANY_PORT = '--inspect-port=0';

/** From the end of a process until its parent hears of it. */
const END_MS = 5000;

interface Residue {
  replaced: string[];
  listeners: string[];
  heapBytes: number;
  [what: string]: unknown;
}

export interface Unprepared {
  pid: number;
  port: number;
  /** Asks the program. */
  residue(): Promise<Residue>;
  /** The same as the work; but if the process ends meanwhile, it rejects with how, and with what it said. */
  alive<T>(work: Promise<T>): Promise<T>;
  stderr(): string;
  kill(): void;
}

/** The server of residue.cjs. */
export async function startServer(): Promise<Unprepared> {
  const child = spawn(TEST_NODE, ['--expose-gc', ANY_PORT, join(ROOT, 'test/support/residue.cjs')], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    env: { PATH: process.env.PATH },
  });
  let stderr = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = once(child, 'close').then(([code, signal]) => {
    throw new Error(`Process ${child.pid} ended by ${signal ?? `exit code ${code}`}:\n${stderr}`);
  });
  ended.catch(() => {});
  const alive = <T>(work: Promise<T>): Promise<T> =>
    // What notices the end in another way is told why.
    Promise.race([
      work.catch((error) => Promise.race([ended, pause(END_MS).then(() => Promise.reject(error))])),
      ended,
    ]);
  const [{ port }] = await alive(once(child, 'message') as Promise<[{ port: number }]>);
  return {
    pid: child.pid!,
    port,
    alive,
    async residue() {
      child.send('count');
      const [counted] = await alive(once(child, 'message') as Promise<[Residue]>);
      return counted;
    },
    stderr: () => stderr,
    kill: () => void child.kill('SIGKILL'),
  };
}

/** Starts a program, and waits until it says "ready", which it does at once unless its code says so later. */
export async function startProgram(code: string, options: readonly string[] = [ANY_PORT]): Promise<ChildProcess> {
  const whole = code.includes("'ready'") ? code : `${code}; console.log('ready');`;
  const child = spawn(TEST_NODE, [...options, '-e', whole], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH },
  });
  let text = '';
  child.stdout!.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  while (!text.includes('ready') && child.exitCode === null) await pause(5);
  return child;
}

export const threadsOf = (pid: number): number => readdirSync(`/proc/${pid}/task`).length;
export const filesOf = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length;
export const caughtSignals = (pid: number): string =>
  /SigCgt:\s*(\w+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))![1]!;

/** Polls until it holds. */
export async function eventually(what: () => boolean, ms = 90_000): Promise<void> {
  const giveUpAt = performance.now() + ms;
  while (!what()) {
    if (performance.now() > giveUpAt) throw new Error(`It never came to: ${what}`);
    await pause(10);
  }
}
