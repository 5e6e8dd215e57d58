/** Terminates thousands of worker threads under the agent, and notices where one does not end. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { AGENT_CJS, type Lab, ROOT, TEST_NODE } from './run-agent.ts';

const PROGRAM = join(ROOT, 'test/fixtures/terminations.cjs');
/** So long without a single thread that ends: far more than one takes on a busy machine. */
const HANG_MS = 60_000;

export interface Terminations {
  count: number;
  atOnce: number;
  /** What the threads do: see the program. */
  states: readonly string[];
  level: 'watch' | 'diagnose';
  /** EVDIAG_SLOW_MS; at 20 ms the threads are asked nearly all the time. */
  slowMs?: number;
  /** So long without a single thread that ends: it hangs. Where the machine starves it, this takes more. */
  hangMs?: number;
}

/** The last words of the program: "ended COUNT", and how it ended. */
export function terminate(
  lab: Lab,
  { count, atOnce, states, level, slowMs = 20, hangMs = HANG_MS }: Terminations,
): Promise<string> {
  const args = ['-r', AGENT_CJS, PROGRAM, `${count}`, `${atOnce}`, ...states];
  const eager = { EVDIAG_LEVEL: level, EVDIAG_SLOW_MS: `${slowMs}`, EVDIAG_QUIET: '1', EVDIAG_OUT: lab.out };
  const clean = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(EVDIAG_|NODE_)/.test(name)));
  return new Promise((resolve, reject) => {
    const child = spawn(TEST_NODE, args, { env: { ...clean, ...eager }, stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    let last = '';
    let since = performance.now();
    const watch = setInterval(() => {
      if (performance.now() - since > hangMs) child.kill('SIGKILL');
    }, 1000);
    const hear = (more: string): void => {
      text = (text + more).slice(-10_000);
      // The same number again is no progress.
      const line = text.trimEnd().split('\n').at(-1) ?? '';
      if (line !== last) since = performance.now();
      last = line;
    };
    child.stdout.setEncoding('utf8').on('data', hear);
    child.stderr.setEncoding('utf8').on('data', hear);
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearInterval(watch);
      if (code === 0) resolve(last);
      else reject(new Error(`the program ended with ${signal ?? code}: ${text.slice(-2000)}`));
    });
  });
}
