/** Runs `evdiag dump` against a program under test. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { CallGroup, Dump, DumpedThread } from '../../src/async-dump/dump.ts';
import { ROOT } from './run-agent.ts';

export interface CliRun {
  status: number;
  stdout: string;
  stderr: string;
}

/** Runs the command line with stdin closed; resolves whatever its exit code. */
export function evdiag(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<CliRun> {
  const { NODE_OPTIONS: _, FORCE_COLOR: __, ...rest } = process.env;
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [join(ROOT, 'bin/evdiag.mjs'), ...args],
      { env: { ...rest, ...env }, maxBuffer: 256e6, timeout: 150_000 },
      (error, stdout, stderr) => {
        resolve({ status: error ? Number(error.code ?? 1) : 0, stdout, stderr });
      },
    );
    child.stdin?.end();
  });
}

/** What `evdiag dump --json` prints; fails where it does not succeed. */
export async function dumpOf(pid: number, ...args: string[]): Promise<Dump> {
  const { status, stdout, stderr } = await evdiag(['dump', String(pid), '--json', '--yes', ...args]);
  expect(status, stderr).toBe(0);
  return JSON.parse(stdout) as Dump;
}

/** The one thread of a dump, or that of a worker. */
export function threadOf(dump: Dump, threadId = 0): DumpedThread {
  const found = dump.threads.find((thread) => thread.threadId === threadId);
  expect(found, `thread ${threadId}`).toBeDefined();
  return found!;
}

/** The groups in that file. */
export function callsIn(dump: Dump, file: string, threadId = 0): CallGroup[] {
  const { suspended, problem } = threadOf(dump, threadId);
  expect(suspended, String(problem)).not.toBeNull();
  return suspended!.calls.filter((call) => call.file === file);
}

/** `line:column` and how many calls are suspended there, sorted by place. */
export function countsByPlace(groups: readonly CallGroup[]): [string, number][] {
  const counts = new Map<string, number>();
  for (const { line, column, count } of groups) {
    const place = `${line}:${column}`;
    counts.set(place, (counts.get(place) ?? 0) + count);
  }
  return [...counts].sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true }));
}

/** The same from the marks of a program: `/*N*\/` stands right before the place where N calls are suspended. */
export function markedPlaces(text: string): [string, number][] {
  return text.split('\n').flatMap((line, i) =>
    [...line.matchAll(/\/\*(\d+)\*\//g)].map((mark): [string, number] => {
      return [`${i + 1}:${mark.index + mark[0].length + 1}`, Number(mark[1])];
    }),
  );
}
