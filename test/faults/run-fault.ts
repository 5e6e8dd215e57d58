/** Does a fault to a program, without or with the agent, and measures what came of it. */
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readFamily } from '../../src/recording/reader.ts';
import { AGENT_CJS, TEST_NODE } from '../support/run-agent.ts';
import type { Fault, Place } from './faults.ts';

/** Far away: only a program that hangs gets there. */
const HANG_MS = 30_000;

export interface Outcome {
  stdout: string;
  /** Exit code or signal, as the parent sees it. */
  end: string;
  ms: number;
  /** What the agent said of itself; empty without it. */
  said: string[];
  /** stderr without that. */
  ownStderr: string;
  recording: string;
}

export async function runFault(fault: Fault, withAgent: boolean): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'evdiag-fault-'));
  chmodSync(folder, 0o755);
  const place: Place = { folder, out: join(folder, 'out') };
  const undo = fault.prepare?.(place);
  try {
    return await run(fault, place, withAgent);
  } finally {
    undo?.();
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

async function run(fault: Fault, place: Place, withAgent: boolean): Promise<Outcome> {
  const { folder, out } = place;
  const write = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text);
    chmodSync(path, 0o644);
    return path;
  };
  const before = fault.before ? ['-r', write('before.cjs', fault.before)] : [];
  const program = write('app.cjs', programOf(fault, out));
  const command = [TEST_NODE, ...(fault.node ?? []), ...before, ...(withAgent ? ['-r', AGENT_CJS] : []), program];
  // A user of its own for each run: the system counts the threads of a user.
  const env = {
    ...process.env,
    NODE_OPTIONS: '',
    FAULT_UID: withAgent ? '64322' : '64321',
    EVDIAG_OUT: out,
    ...fault.env?.(place),
  };
  for (const name of Object.keys(env))
    if (/^(VITEST|NODE_ENV|FORCE_COLOR|EVDIAG_FAMILY)/.test(name)) delete env[name as keyof typeof env];
  const shell = closing(fault, fault.shell ?? 'exec "$@"', folder);
  const begin = performance.now();
  const child = spawn('bash', ['-c', shell, 'bash', ...command], {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const text = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (more: string) => {
      text[stream] += more;
    });
  }
  const timer = setTimeout(() => child.kill('SIGKILL'), HANG_MS);
  const end = await new Promise<string>((resolve) =>
    child.on('close', (code, signal) => resolve(signal ?? `exit ${code}`)),
  );
  clearTimeout(timer);
  const ms = performance.now() - begin;
  const lines = text.stderr.split('\n');
  const said = lines.filter((line) => line.startsWith('evdiag: ')).map((line) => line.slice('evdiag: '.length));
  const ownStderr = lines.filter((line) => !line.startsWith('evdiag: ')).join('\n');
  const blotted = fault.stderrVaries ? '' : ownStderr.replaceAll(folder, '').replace(/\d+/g, 'N');
  const hangs = ms >= HANG_MS ? 'hangs: ' : '';
  return {
    stdout: text.stdout,
    end: hangs + end,
    ms,
    said,
    ownStderr: blotted,
    recording: withAgent ? recordingIn(place) : '',
  };
}

/** stdout or stderr as the fault wants them. The pipe that nobody reads is full before the program starts. */
function closing({ stdout, stderr }: Fault, shell: string, folder: string): string {
  if (stdout === 'closed') return `exec >&-; ${shell}`;
  if (stderr === 'closed') return `exec 2>&-; ${shell}`;
  if (stderr !== 'unread') return shell;
  const fifo = join(folder, 'unread');
  return `mkfifo ${fifo}; exec 9<>${fifo}; timeout 1 dd if=/dev/zero of=${fifo} bs=4096 count=1000 oflag=nonblock 2>/dev/null; exec 2>${fifo}; ${shell}`;
}

function programOf({ program }: Fault, out: string): string {
  return `
const fs = require('node:fs');
const startTimer = setTimeout;
const later = (ms) => new Promise((resolve) => startTimer(resolve, ms));
const out = ${JSON.stringify(out)};
/** Until the recording has rows; as long without the agent. */
async function recorded() {
  const file = process.env.EVDIAG_FAMILY && process.env.EVDIAG_FAMILY + '/main-' + process.pid + '/recording.ndjson';
  if (!file) return later(800);
  for (let i = 0; i < 1000; i++) {
    try { if (fs.readFileSync(file, 'utf8').split('\\n').length > 3) return; } catch {}
    await later(20);
  }
}
(async () => {
  console.log('ready');
  ${program}
})();
`;
}

function recordingIn({ out }: Place): string {
  try {
    if (!existsSync(out)) return 'none';
    const { recordings } = readFamily(out);
    const [main] = recordings;
    if (!main || main.rows.length === 0) return 'none';
    const end = main.rows.some(({ type }) => type === 'end') ? 'whole' : 'up to the end of the process';
    return main.droppedRows > 0 ? `${end}, lost rows are counted` : end;
  } catch {
    return 'none';
  }
}
