import { type ChildProcess, spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { connect } from '../../attach/connect.ts';
import { takeDump } from '../../attach/take-dump.ts';
import type { Finding } from '../../detectors/types.ts';
import { readFamily } from '../../recording/reader.ts';
import { lineText } from '../../util/place-text.ts';
import { formatMs } from '../../util/text.ts';
import { UserError } from '../../util/user-error.ts';
import { launch } from '../launch.ts';
import { launchScenario } from '../launch-scenario.ts';
import { reportOf } from '../output.ts';
import { findScenario } from '../scenario-list.ts';
import type { Check, CheckResult } from './types.ts';

/** Between two attempts to reach a process that has just been started. */
const ATTEMPT_MS = 200;
/** Of a dump's process: by then it has everything that waits. */
const DUMP_AFTER_MS = 2000;

/** Seconds of a program that computes 50 ms out of 200, beside processes that want its core. */
const CONTENDED =
  'const end = Date.now() + 3000; setInterval(() => { if (Date.now() > end) process.exit(); const until = process.cpuUsage().user + 50_000; while (process.cpuUsage().user < until); }, 200);';
const BURNER = 'for (;;);';
const BURNERS_PER_CORE = 4;

/** All that run at a time, the longest first. */
export const checks: readonly Check[] = [
  ofScenario('deadlock', 'a deadlock of async calls', 'lock-order-deadlock'),
  ofScenario('lost-task', 'a call that nobody can settle any more', 'lost-tasks'),
  ofScenario('leak', 'timers that are never cleared', 'leaked-timers'),
  ofScenario('stall', 'a blocked event loop', 'blocking-sleep'),
  ofScenario('native-call', 'a native call that no profiler interrupts', 'sync-crypto'),
  { id: 'dump', title: 'a running process answers a dump', run: answersDump },
];

/** Needs the machine for itself. */
export const contention: Check = {
  id: 'host-contention',
  title: 'a busy host is not blamed on the program',
  run: excusesHost,
};

function ofScenario(id: string, title: string, scenario: string): Check {
  return {
    id,
    title,
    async run(folder) {
      const info = await findScenario(scenario);
      const { family, exitCode } = await launchScenario(scenario, 'broken', folder);
      if (exitCode !== 0) return fails(`the program "${scenario}" exited with ${exitCode}`);
      const { findings } = reportOf(readFamily(family));
      const [expected] = info.expect;
      const found = findings.find(({ rule, kind }) => rule === expected?.rule && kind === expected.kind);
      if (!found) return fails(`${expected?.rule} was not found; ${foundText(findings)}`);
      if (found.location === null) return fails(`${found.rule} was found, but not where`);
      return { state: 'works', detail: `${found.rule} at ${lineText(found.location)}` };
    },
  };
}

async function answersDump(folder: string): Promise<CheckResult> {
  let child: ChildProcess | undefined;
  const ended = launchScenario('lock-order-deadlock', 'broken', folder, (started) => {
    child = started;
  });
  try {
    await Promise.race([ended, delay(DUMP_AFTER_MS)]);
    const connection = await reach(child?.pid ?? 0, ended);
    try {
      const from = performance.now();
      const { threads } = await takeDump(connection, { mode: 'full' });
      const suspended = threads.reduce((sum, thread) => sum + (thread.suspended?.total ?? 0), 0);
      return suspended > 0
        ? { state: 'works', detail: `${suspended} suspended calls, after ${formatMs(performance.now() - from)}` }
        : fails('the dump has no suspended calls');
    } finally {
      connection.close();
    }
  } finally {
    child?.kill();
    await ended.catch(() => {});
  }
}

/** Rejects with UserError when the program has ended before it could be reached. */
async function reach(pid: number, ended: Promise<unknown>) {
  let isOver = false;
  const over = ended.then(
    () => {
      isOver = true;
    },
    () => {
      isOver = true;
    },
  );
  for (;;) {
    try {
      return await connect(pid);
    } catch (error) {
      if (isOver || !(error instanceof UserError)) throw error;
      await Promise.race([over, delay(ATTEMPT_MS)]);
    }
  }
}

async function excusesHost(folder: string): Promise<CheckResult> {
  const count = availableParallelism() * BURNERS_PER_CORE;
  const burners = Array.from({ length: count }, () => spawn(process.execPath, ['-e', BURNER], { stdio: 'ignore' }));
  try {
    const { family } = await launch({
      command: [process.execPath, '-e', CONTENDED],
      out: folder,
      level: 'watch',
      durationMs: 60_000,
      stdio: 'ignore',
    });
    const { findings } = reportOf(readFamily(family));
    const loud = findings.filter(({ severity }) => severity !== 'info');
    if (loud.length > 0) return fails(`reported ${foundText(loud)}`);
    const excuse = findings.find(({ rule, kind }) => kind === 'host' || rule === 'recording-quality');
    return excuse
      ? { state: 'works', detail: `${excuse.rule} (${excuse.kind}), as information` }
      : { state: 'unknown', detail: `${count} busy processes did not delay the program` };
  } finally {
    for (const burner of burners) burner.kill('SIGKILL');
  }
}

function foundText(findings: readonly Finding[]): string {
  if (findings.length === 0) return 'nothing was';
  return findings.map(({ rule, kind, severity }) => `${rule} (${kind}, ${severity})`).join(', ');
}

function fails(detail: string): CheckResult {
  return { state: 'fails', detail };
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
