/** Runs a program in a Node of the version under test, which writes its own heap snapshot, and reads that. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSnapshot } from '../../src/heap/read-snapshot.ts';
import type { HeapSnapshot } from '../../src/heap/snapshot.ts';
import { type SuspendedCall, suspendedCalls } from '../../src/heap/suspended-calls.ts';

const TEST_NODE = process.env.EVDIAG_TEST_NODE ?? process.execPath;
const RUN_LIMIT_MS = 120_000;
/** SIGKILL, as a blocked thread of the pool would hold up an exit. */
const EPILOGUE = `
  ;globalThis.writeSnapshot = () => {
    require('node:v8').writeHeapSnapshot(process.env.SNAPSHOT_FILE);
    process.kill(process.pid, 'SIGKILL');
  };
  setTimeout(() => globalThis.writeSnapshot(), Number(process.env.SNAPSHOT_AFTER_MS));
`;

export interface Taken {
  folder: string;
  path: string;
  remove(): void;
}

/** The CommonJS program `rpc.js`, its snapshot taken after so many ms. */
export function takeSnapshot(program: string, afterMs = 150): Taken {
  const folder = mkdtempSync(join(tmpdir(), 'evdiag-heap-'));
  const path = join(folder, 'test.heapsnapshot');
  writeFileSync(join(folder, 'rpc.js'), program + EPILOGUE);
  const env = { ...process.env, SNAPSHOT_FILE: path, SNAPSHOT_AFTER_MS: String(afterMs) };
  const run = spawnSync(TEST_NODE, ['rpc.js'], { cwd: folder, env, timeout: RUN_LIMIT_MS, encoding: 'utf8' });
  if (run.signal !== 'SIGKILL') throw new Error(`no snapshot: exit ${run.status}, ${run.signal}\n${run.stderr}`);
  return { folder, path, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

export interface Analysed {
  snapshot: HeapSnapshot;
  calls: readonly SuspendedCall[];
  named(functionName: string): SuspendedCall;
}

export async function analyse(program: string, afterMs?: number): Promise<Analysed> {
  const taken = takeSnapshot(program, afterMs);
  try {
    const snapshot = await readSnapshot(taken.path);
    const calls = suspendedCalls(snapshot);
    const named = (functionName: string) => {
      const call = calls.find((each) => each.functionName === functionName);
      if (!call) throw new Error(`no suspended call of ${functionName}`);
      return call;
    };
    return { snapshot, calls, named };
  } finally {
    taken.remove();
  }
}
