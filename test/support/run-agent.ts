/** Runs small programs with and without the agent, in a folder of their own. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import { readRecording } from '../../src/recording/reader.ts';
import { type Recording, rowsOf } from '../../src/recording/types.ts';
import type { Report } from '../../src/report/types.ts';

/** The Node that runs the programs under test. */
export const TEST_NODE = process.env.EVDIAG_TEST_NODE ?? process.execPath;
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const AGENT_CJS = join(ROOT, 'dist/agent.cjs');
export const AGENT_MJS = join(ROOT, 'dist/agent.mjs');
export const WITH_AGENT: readonly string[] = ['-r', AGENT_CJS];
/** Far away: only a program that hangs gets there. */
const HANG_MS = 150_000;

export interface RunOptions {
  /** Options of Node, before the program's file. Loads the agent with -r where not given. */
  node?: readonly string[];
  args?: readonly string[];
  env?: Record<string, string>;
  /** A descriptor in place of the pipe that is read. */
  stderr?: number;
  /** What starts Node in its place: a command that ends in an exec of its arguments. */
  under?: readonly string[];
  /** When it is taken to hang; far away where not given. */
  hangMs?: number;
  /** Talks to the running program: waits for its words, sends signals. */
  drive?: (program: Program) => Promise<void>;
}

/** How a program ended and what it said. */
export interface Run {
  stdout: string;
  stderr: string;
  exitCode: number | null;
  signal: NodeJS.Signals | null;
  /** The lines that evdiag said, without `evdiag: `. */
  said: string[];
  /** stderr without what evdiag said, process ids blotted out. */
  ownStderr: string;
}

export interface Program {
  readonly pid: number;
  stdout(): string;
  stderr(): string;
  /** Resolves when the text has come; fails when the program ends or hangs before. */
  until(stream: 'stdout' | 'stderr', text: string): Promise<void>;
  /** Resolves when the watchdog writes its recording; at once where the agent is not loaded. */
  watched(): Promise<void>;
  kill(signal: NodeJS.Signals): void;
  ended: Promise<Run>;
}

/** A temporary folder with programs, and `out`, where their recordings go. */
export interface Lab {
  folder: string;
  out: string;
  /** Writes a file and returns its path. */
  file(name: string, text: string): string;
  start(file: string, options?: RunOptions): Program;
  /** Runs a program to its end, under the agent unless `node` says otherwise. */
  run(file: string, options?: RunOptions): Promise<Run>;
  /**
   * Runs the program without and with the agent and expects the same stdout, exit code, signal and stderr but for
   * evdiag's own lines. `plain` are the options of Node for the run without, `node` for the one with the agent.
   */
  expectSame(file: string, options?: RunOptions & { plain?: readonly string[] }): Promise<Run>;
  recordings(): Recording[];
  /** The only recording there is. */
  recording(): Recording;
  /** What `evdiag report --format json` says. */
  report(): Promise<Report>;
}

/** The body of a test that gets a lab; what it started is ended and its folder removed afterwards. */
export function inLab(body: (lab: Lab) => Promise<void>): () => Promise<void> {
  return async () => {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), 'evdiag-test-')));
    const children = new Set<ChildProcess>();
    try {
      await body(createLab(folder, children));
    } finally {
      for (const child of children) if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
    }
  };
}

function createLab(folder: string, children: Set<ChildProcess>): Lab {
  const out = join(folder, 'out');
  const lab: Lab = {
    folder,
    out,
    file(name, text) {
      const path = join(folder, name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
      return path;
    },
    start(file, { node = WITH_AGENT, args = [], env = {}, stderr, under = [], hangMs = HANG_MS } = {}) {
      const [command, ...rest] = [...under, TEST_NODE, ...node, file, ...args];
      const child = spawn(command!, rest, {
        cwd: folder,
        env: { ...cleanEnvironment(), EVDIAG_OUT: out, ...env },
        stdio: ['ignore', 'pipe', stderr ?? 'pipe'],
      });
      children.add(child);
      const loaded = [...node, env.NODE_OPTIONS].some((option) => option?.includes('agent.'));
      return follow(child, hangMs, () => !loaded || hasRows(out, child.pid!));
    },
    async run(file, options = {}) {
      const program = lab.start(file, options);
      await options.drive?.(program);
      return program.ended;
    },
    async expectSame(file, { plain = [], ...options } = {}) {
      const [without, observed] = await Promise.all([
        lab.run(file, { ...options, node: plain, env: { ...options.env, NODE_OPTIONS: '' } }),
        lab.run(file, options),
      ]);
      const outcome = ({ stdout, exitCode, signal, ownStderr }: Run) => ({ stdout, exitCode, signal, ownStderr });
      expect(outcome(observed), `evdiag said: ${observed.said.join('\n')}`).toEqual(outcome(without));
      expect(without.said).toEqual([]);
      return observed;
    },
    recordings: () => (existsSync(out) ? readRecording(out) : []),
    recording() {
      const recordings = lab.recordings();
      expect(recordings).toHaveLength(1);
      return recordings[0]!;
    },
    async report() {
      const args = [join(ROOT, 'bin/evdiag.mjs'), 'report', out, '--format', 'json'];
      const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 64e6 });
      return JSON.parse(stdout) as Report;
    },
  };
  return lab;
}

/** Neither this test run's own settings nor those of a person's shell. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const ours = /^(EVDIAG_|NODE_|VITEST|TEST$|DEV$|PROD$|MODE$|SSR$|BASE_URL$|FORCE_COLOR$|NO_COLOR$)/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours.test(name)));
}

/** Whether a row follows the header in the recording of that process. */
function hasRows(out: string, pid: number): boolean {
  const files = existsSync(out) ? filesUnder(out).filter((file) => file.endsWith(`main-${pid}/recording.ndjson`)) : [];
  return files.some((file) => readFileSync(join(out, file), 'utf8').split('\n').length > 2);
}

function follow(child: ChildProcess, hangMs: number, isWatched: () => boolean): Program {
  const text = { stdout: '', stderr: '' };
  const listeners = new Set<() => void>();
  const changed = (): void => {
    for (const listener of listeners) listener();
  };
  let closed = false;
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream]?.setEncoding('utf8').on('data', (more: string) => {
      text[stream] += more;
      changed();
    });
  }
  const ended = new Promise<Run>((resolve, reject) => {
    const timer = globalThis.setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`the program hangs:\n${text.stdout}\n${text.stderr}`));
    }, hangMs);
    child.on('error', reject);
    child.on('close', (exitCode, signal) => {
      clearTimeout(timer);
      closed = true;
      changed();
      resolve({ ...text, exitCode, signal, ...divide(text.stderr) });
    });
  });
  // Whoever waits for it hears of the failure; nobody else is to.
  ended.catch(() => {});
  return {
    pid: child.pid!,
    stdout: () => text.stdout,
    stderr: () => text.stderr,
    async watched() {
      while (!isWatched()) {
        if (closed) throw new Error(`the program ended unwatched:\n${text.stdout}\n${text.stderr}`);
        await setTimeout(20);
      }
    },
    kill: (signal) => void child.kill(signal),
    ended,
    until: (stream, wanted) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = text[stream].includes(wanted);
          if (!found && !closed) return;
          listeners.delete(look);
          if (found) resolve();
          else reject(new Error(`the program ended without '${wanted}' on ${stream}:\n${text.stdout}\n${text.stderr}`));
        };
        listeners.add(look);
        look();
      }),
  };
}

function divide(stderr: string): { said: string[]; ownStderr: string } {
  const lines = stderr.split('\n');
  const isOurs = (line: string): boolean => line.startsWith('evdiag: ');
  return {
    said: lines.filter(isOurs).map((line) => line.slice('evdiag: '.length)),
    ownStderr: lines
      .filter((line) => !isOurs(line))
      .join('\n')
      .replace(/\(node:\d+\)/g, '(node:PID)'),
  };
}

/** What evdiag says in every run: where the recording is, its findings, and how to read more. */
export function saidBesidesSummary({ said }: Run): string[] {
  const start = said.findIndex((line) => /^(recorded|watched for) /.test(line));
  return start < 0 ? said : said.slice(0, start);
}

/** What the agent has to say of itself: neither summary nor stalls that are still on, which a busy machine makes longer. */
export function complaints(run: Run): string[] {
  return saidBesidesSummary(run).filter((line) => !line.startsWith('event loop '));
}

export function summaryCount({ said }: Run): number {
  return said.filter((line) => /^(recorded|watched for) /.test(line)).length;
}

/** The 1-based line of the only line of a text that holds `mark`. */
export function lineOf(text: string, mark: string): number {
  const lines = text.split('\n');
  const found = lines.flatMap((line, i) => (line.includes(mark) ? [i + 1] : []));
  expect(found, `lines that hold ${mark}`).toHaveLength(1);
  return found[0]!;
}

/** `kind file:line` of every closed stall outside start-up, the longest first; files relative to the lab's folder. */
export function stallPlaces(recording: Recording, folder: string): string[] {
  return rowsOf(recording, 'stall')
    .toSorted((a, b) => b.durationMs - a.durationMs)
    .map(({ kind, location }) =>
      location ? `${kind} ${location.file.replace(`${folder}/`, '')}:${location.line}` : `${kind} nowhere`,
    );
}

/** Every file and folder under `folder`, with paths relative to it. */
export function filesUnder(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
}

/** JavaScript that defines `spin(ms)`: computes for that long, in CPU time, so that a busy machine cannot be to blame. */
export const SPIN = `
function spin(ms) {
  const start = process.cpuUsage();
  let rounds = 0;
  for (let usedMs = 0; usedMs < ms; ) {
    for (let i = 0; i < 10000; i++) rounds++;
    const { user, system } = process.cpuUsage(start);
    usedMs = (user + system) / 1000;
  }
  return rounds;
}`;

/** The recording of one thread; 0 is the main one. */
export function recordingOf(lab: Lab, threadId: number): Recording {
  const found = lab.recordings().filter(({ header }) => header.threadId === threadId);
  expect(found, `recordings of thread ${threadId}`).toHaveLength(1);
  return found[0]!;
}

/**
 * JavaScript that defines `until(condition)`, which polls, and `rows(type)` of the program's own recording so far.
 * Without the agent the condition counts as met.
 */
export const OWN_ROWS = `
function rows(type) {
  const file = process.env.EVDIAG_FAMILY + '/main-' + process.pid + '/recording.ndjson';
  const { existsSync, readFileSync } = require('node:fs');
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\\n').slice(0, -1) : [];
  return lines.map((line) => JSON.parse(line)).filter((row) => row.type === type);
}
async function until(condition) {
  const pause = () => new Promise((resolve) => setTimeout(resolve, 20));
  while ('EVDIAG_FAMILY' in process.env && !condition()) await pause();
}
`;

/**
 * JavaScript that defines `work()`: computes for half a second of the core's time, however long it has to wait for the
 * core. What goes by the clock is the host's fault on a busy machine.
 */
export const WORK = `
function work(rounds = 1e8) {
  let sum = 0;
  for (let i = 0; i < rounds; i++) sum = (sum * 31 + i) % 1000003; // works
  return sum;
}
for (let i = 0; i < 2000; i++) work(2000);
`;
