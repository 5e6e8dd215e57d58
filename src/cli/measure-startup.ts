/** Starts a program with the preload that measures its start, and ends it when that is known. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { MeasuredStartup } from '../protocol/measured-startup.ts';
import { builtFile } from '../util/package-root.ts';
import { makeTemporaryFolder } from '../util/temporary-folder.ts';
import { nodeCode, UserError } from '../util/user-error.ts';
import { forwardSignals, GRACE_MS, nodeOptionsWith, startFailure } from './launch.ts';

const LOOK_MS = 50;

/** Of all its processes that are Node's and could be measured. Throws UserError where it cannot be started. */
export async function measureStartup(
  command: readonly string[],
  { ms, quiet }: { ms: number; quiet: boolean },
): Promise<MeasuredStartup[]> {
  const folder = makeTemporaryFolder('startup');
  try {
    const [file = '', ...args] = command;
    const child = spawn(file, args, {
      // With --json, stdout is ours.
      stdio: quiet ? ['inherit', 2, 2] : 'inherit',
      env: {
        ...process.env,
        NODE_OPTIONS: nodeOptionsWith(builtFile('startup.cjs')),
        EVDIAG_STARTUP: folder,
        EVDIAG_STARTUP_MS: String(ms),
      },
    });
    const failure = await startFailure(child, file);
    if (failure !== null) throw new UserError(failure, 'not-started');
    await untilKnown(child, folder);
    return readdirSync(folder)
      .filter((name) => name.endsWith('.json'))
      .map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as MeasuredStartup);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Resolves when it has ended: by itself, or by us because all its processes are measured. */
function untilKnown(child: ChildProcess, folder: string): Promise<void> {
  const removeSignals = forwardSignals(child);
  let kill: NodeJS.Timeout | null = null;
  const timer = setInterval(() => {
    if (kill || !isKnown(folder)) return;
    child.kill('SIGTERM');
    kill = setTimeout(() => child.kill('SIGKILL'), GRACE_MS);
  }, LOOK_MS);
  return new Promise((resolve) => {
    child.once('exit', () => {
      removeSignals();
      clearInterval(timer);
      if (kill) clearTimeout(kill);
      resolve();
    });
  });
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return nodeCode(error) === 'EPERM';
  }
}

/** A process that has gone will not be measured any more. */
function isKnown(folder: string): boolean {
  const started = readdirSync(folder).filter((name) => name.endsWith('.started'));
  return (
    started.length > 0 &&
    started.every((name) => {
      const pid = Number.parseInt(name, 10);
      return existsSync(join(folder, `${pid}.json`)) || !isThere(pid);
    })
  );
}
