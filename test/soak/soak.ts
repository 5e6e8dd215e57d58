/** Runs the server of the soak under load and gathers what it says, what its recordings hold, and how large they get. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { closeSync, existsSync, fstatSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { RECORDING_FILE } from '../../src/recording/paths.ts';
import { readRecording } from '../../src/recording/reader.ts';
import type { Header, Recording, Row } from '../../src/recording/types.ts';
import type { Report } from '../../src/report/types.ts';
import { AGENT_CJS, ROOT, TEST_NODE } from '../support/run-agent.ts';
import type { MemoryLine } from './memory.ts';

const HERE = fileURLToPath(new URL('.', import.meta.url));
export const SERVER = join(HERE, 'server.mjs');
/** EVDIAG_MAX_MB: the least there is, so that the recording turns over. */
export const MAX_MB = 1;
const STALL_EVERY_MS = 1000;
/** Moments at which memory is looked at: enough for a slope, at most one between two stalls. */
export const SAMPLES = 30;
/** Each asks every 200 ms: longer than a stall, which so does not hold up the pace. */
const CONNECTIONS = 100;
const PER_SECOND = 500;
const LOAD = join(HERE, '../healthy/load.mjs');
const POLL_MS = 250;
/** Shares of the run at which `evdiag report` reads the recording that is being written. */
const REPORT_AT = [1 / 3, 2 / 3];
/** Far away: the last worker, the last answers, the summary. */
const END_MS = 60_000;

/** A stall that the server made, in ms of the monotonic clock. */
export interface StallLine {
  type: 'stall';
  block: string;
  startMs: number;
  endMs: number;
}

type Line =
  | MemoryLine
  | StallLine
  | { type: 'listening'; port: number }
  | { type: 'end'; stalls: number; workersStarted: number };

export interface Soak {
  exitCode: number | null;
  stderr: string;
  lines: Line[];
  load: { served: number; failed: number; slowestMs: number; errors: string[] };
  /** Of the main thread: every row that was ever written, in the order of the file, those since dropped included. */
  header: Header | null;
  written: Row[];
  writtenBytes: number;
  chunks: number;
  /** The largest that any recording's folder ever was. */
  largestBytes: number;
  /** What is left on disk at the end: the main thread's recording first. */
  recordings: Recording[];
  /** Taken while the server ran. */
  reports: Report[];
}

export async function soak(folder: string, seconds: number): Promise<Soak> {
  const out = join(folder, 'out');
  const sampleEveryMs = Math.max(STALL_EVERY_MS, Math.round(seconds / SAMPLES) * 1000);
  const pace = JSON.stringify({ seconds, stallEveryMs: STALL_EVERY_MS, sampleEveryMs });
  const settings = { EVDIAG_OUT: out, EVDIAG_MAX_MB: String(MAX_MB), EVDIAG_QUIET: '1' };
  const server = run(folder, ['-r', AGENT_CJS, SERVER, pace], settings);
  try {
    const port = await portOf(server);
    const disk = watchDisk(out, server.child.pid!);
    const load = run(folder, [LOAD, loadOf(port, seconds)]);
    void load.ended.then(() => server.child.kill('SIGTERM'));
    const reports = await watchUntilEnd(server, disk, out, seconds);
    return {
      exitCode: server.child.exitCode,
      stderr: server.stderr() + load.stderr(),
      lines: linesIn(server.stdout()),
      load: JSON.parse(load.stdout().trimEnd().split('\n').at(-1)!),
      ...disk.seen(),
      recordings: readRecording(out),
      reports,
    };
  } finally {
    server.child.kill('SIGKILL');
  }
}

/** Looks at the disk again and again, and takes the reports. */
async function watchUntilEnd(
  server: Running,
  disk: ReturnType<typeof watchDisk>,
  out: string,
  seconds: number,
): Promise<Report[]> {
  const reports: Promise<Report>[] = [];
  const startMs = performance.now();
  while (!server.hasEnded()) {
    disk.look();
    const ranMs = performance.now() - startMs;
    if (ranMs > (REPORT_AT[reports.length] ?? Number.POSITIVE_INFINITY) * seconds * 1000) reports.push(report(out));
    if (ranMs > seconds * 1000 + END_MS) throw new Error(`the server hangs:\n${server.stderr()}`);
    await delay(POLL_MS);
  }
  disk.look();
  return Promise.all(reports);
}

interface Running {
  child: ChildProcess;
  stdout(): string;
  stderr(): string;
  hasEnded(): boolean;
  ended: Promise<void>;
}

/** Without a limit of time of its own, unlike the programs of a lab. */
function run(cwd: string, args: string[], env: Record<string, string> = {}): Running {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(EVDIAG_|NODE_|VITEST)/.test(name));
  const child = spawn(TEST_NODE, args, { cwd, env: { ...Object.fromEntries(inherited), ...env } });
  const text = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (more: string) => {
      text[stream] += more;
    });
  }
  let closed = false;
  const ended = new Promise<void>((resolve) => {
    child.on('close', () => {
      closed = true;
      resolve();
    });
  });
  return { child, stdout: () => text.stdout, stderr: () => text.stderr, hasEnded: () => closed, ended };
}

async function portOf(server: Running): Promise<number> {
  for (;;) {
    for (const line of linesIn(server.stdout())) if (line.type === 'listening') return line.port;
    if (server.hasEnded()) throw new Error(`the server ended:\n${server.stderr()}`);
    await delay(20);
  }
}

function loadOf(port: number, seconds: number): string {
  const pace = { connections: CONNECTIONS, perSecond: PER_SECOND, restRatio: 0 };
  return JSON.stringify({ protocol: 'http', port, seconds, ...pace, requests: [{ path: '/' }] });
}

/** Only whole lines. */
function linesIn(text: string): Line[] {
  const lines = text.split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as Line);
}

async function report(out: string): Promise<Report> {
  const args = [join(ROOT, 'bin/evdiag.mjs'), 'report', out, '--format', 'json'];
  const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 64e6 });
  return JSON.parse(stdout) as Report;
}

/** Looks at the recordings while they are written: to be called often enough that no chunk comes and goes in between. */
function watchDisk(out: string, pid: number) {
  let tail: ReturnType<typeof followFile> | null = null;
  let largestBytes = 0;
  const folders = (): string[] =>
    existsSync(out)
      ? readdirSync(out).flatMap((family) => readdirSync(join(out, family)).map((name) => join(out, family, name)))
      : [];
  return {
    look(): void {
      const found = folders();
      for (const folder of found) largestBytes = Math.max(largestBytes, bytesIn(folder));
      const main = found.find((folder) => folder.endsWith(`main-${pid}`));
      if (main) tail ??= followFile(join(main, RECORDING_FILE));
      tail?.read();
    },
    seen: () => ({ largestBytes, ...(tail?.seen() ?? { header: null, written: [], writtenBytes: 0, chunks: 0 }) }),
  };
}

function bytesIn(folder: string): number {
  return readdirSync(folder).reduce(
    (sum, name) => sum + (statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0),
    0,
  );
}

/** Reads a file as it grows, and on in the one that takes its place. */
function followFile(path: string) {
  const buffer = Buffer.alloc(1 << 20);
  let file = openSync(path, 'r');
  let rest = Buffer.alloc(0);
  let header: Header | null = null;
  const written: Row[] = [];
  let writtenBytes = 0;
  let chunks = 1;
  const drain = (): void => {
    for (let count = readSync(file, buffer); count > 0; count = readSync(file, buffer)) {
      writtenBytes += count;
      rest = Buffer.concat([rest, buffer.subarray(0, count)]);
    }
    const end = rest.lastIndexOf(10) + 1;
    for (const line of rest.toString('utf8', 0, end).split('\n').slice(0, -1)) {
      const row = JSON.parse(line) as Row | Header;
      if (row.type === 'header') header ??= row;
      else written.push(row);
    }
    rest = rest.subarray(end);
  };
  return {
    read(): void {
      drain();
      const next = statSync(path, { throwIfNoEntry: false });
      if (!next || next.ino === fstatSync(file).ino) return;
      // Whatever was written before it was renamed is there by now.
      drain();
      closeSync(file);
      file = openSync(path, 'r');
      chunks++;
      drain();
    },
    seen: () => ({ header, written, writtenBytes, chunks }),
  };
}
