import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { rmdirSync } from 'node:fs';
import { constants } from 'node:os';
import { join, resolve } from 'node:path';
import { familyName } from '../recording/paths.ts';
import { InputError } from '../recording/reader.ts';
import type { Level } from '../recording/types.ts';
import { makeFolders } from '../util/make-folders.ts';
import { builtFile } from '../util/package-root.ts';
import { nodeCode, UserError } from '../util/user-error.ts';

/** Between SIGTERM and SIGKILL: the least that orchestrators give. */
export const GRACE_MS = 5000;
const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export interface Launch {
  command: readonly string[];
  /** The EVDIAG_OUT folder. */
  out: string;
  level: Level;
  slowMs?: number;
  durationMs?: number;
  stdio: SpawnOptions['stdio'];
  /** Called with the process right after its start, and the folder of its recordings. */
  onStart?: (child: ChildProcess, family: string) => void;
}

export interface Launched {
  /** The folder that holds the recordings. */
  family: string;
  /** The exit code; 128 + signal if it was killed, as in shells. */
  exitCode: number;
  /** --duration ended it, by the signal that we sent. */
  stopped: boolean;
}

/** Runs a command under the agent until it ends. Rejects with UserError if it could not be started. */
export async function launch(options: Launch): Promise<Launched> {
  const agent = builtFile('agent.cjs');
  const family = makeFamily(resolve(options.out));
  const env = agentEnvironment(agent, family, options);
  const [file = '', ...args] = options.command;
  const child = spawn(file, args, { stdio: options.stdio, env });
  const failure = await startFailure(child, file);
  if (failure !== null) {
    removeEmpty(family);
    throw new UserError(failure, 'not-started');
  }
  options.onStart?.(child, family);
  return { family, ...(await ending(child, options.durationMs)) };
}

/** Removes a folder in which nothing was recorded. */
export function removeEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // not empty, or gone already
  }
}

function makeFamily(out: string): string {
  const family = join(out, familyName(process.pid, new Date()));
  try {
    makeFolders(family);
  } catch (error) {
    throw new InputError(`"${out}" cannot be written (${nodeCode(error)}). Give another folder with --out.`);
  }
  return family;
}

function agentEnvironment(agent: string, family: string, { out, level, slowMs }: Launch): NodeJS.ProcessEnv {
  return {
    ...process.env,
    NODE_OPTIONS: nodeOptionsWith(agent),
    EVDIAG_LEVEL: level,
    EVDIAG_OUT: resolve(out),
    EVDIAG_FAMILY: family,
    EVDIAG_SUMMARY: '0',
    ...(slowMs !== undefined && { EVDIAG_SLOW_MS: String(slowMs) }),
  };
}

/** Those that are set, and a file that is loaded before the program. */
export function nodeOptionsWith(preloaded: string): string {
  // NODE_OPTIONS is split at spaces, except within double quotes, where a backslash escapes.
  const preload = `--require "${preloaded.replace(/["\\]/g, '\\$&')}"`;
  const nodeOptions = process.env.NODE_OPTIONS ?? '';
  return nodeOptions.trim() === '' ? preload : `${nodeOptions} ${preload}`;
}

export function startFailure(child: ChildProcess, file: string): Promise<string | null> {
  return new Promise((resolve) => {
    child.once('spawn', () => resolve(null));
    child.once('error', (error) => resolve(`"${file}" could not be started: ${reason(error, file)}`));
  });
}

function reason(error: Error, file: string): string {
  const code = nodeCode(error);
  const script = /\.[cm]?[jt]s$/.test(file) ? ` Did you mean "evdiag run -- node ${file}"?` : '';
  if (code === 'ENOENT') return `there is no such program.${script || ' Check the name after "--".'}`;
  if (code === 'EACCES') return `it is not executable.${script || ' Check its permissions.'}`;
  return `${code}. Check the command after "--".`;
}

function ending(child: ChildProcess, durationMs: number | undefined): Promise<{ exitCode: number; stopped: boolean }> {
  const removeSignals = forwardSignals(child);
  let stopped = false;
  const timers: NodeJS.Timeout[] = [];
  if (durationMs !== undefined) {
    // A longer timer than 2^31 ms would fire at once.
    timers.push(setTimeout(stop, Math.min(durationMs, 2 ** 31 - 1)));
  }
  function stop(): void {
    stopped = child.kill('SIGTERM');
    timers.push(setTimeout(() => child.kill('SIGKILL'), GRACE_MS));
  }
  return new Promise((resolve) => {
    child.once('close', (code, signal) => {
      removeSignals();
      for (const timer of timers) clearTimeout(timer);
      const exitCode = code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
      resolve({ exitCode, stopped: stopped && signal === 'SIGTERM' });
    });
  });
}

/** Passes signals on to the program, and stays alive to report how it ended. */
export function forwardSignals(child: ChildProcess): () => void {
  const fromTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
  const forward = (signal: NodeJS.Signals) => {
    // Ctrl-C in a terminal reaches the child directly; a second signal would cut short its clean-up.
    if (signal !== 'SIGINT' || !fromTerminal) child.kill(signal);
  };
  for (const signal of FORWARDED) process.on(signal, forward);
  return () => {
    for (const signal of FORWARDED) process.off(signal, forward);
  };
}
