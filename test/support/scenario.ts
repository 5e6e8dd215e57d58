import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const ROOT = new URL('../../', import.meta.url).pathname;

/** The findings of `evdiag report --format json`, as far as these tests read them. */
export interface ReportedFinding {
  rule: string;
  kind: string;
  severity: 'critical' | 'warning' | 'info';
  message: string;
  location: { file: string; line: number } | null;
}

export type Variant = 'broken' | 'fixed';

export interface ScenarioRun {
  exitCode: number | null;
  /** The last line the scenario printed. */
  headline: string;
  /** What Node prints of its own experiments is not the scenario's. */
  stderr: string;
  /** What this Node.js would need to run it, or null. */
  lacks: string | null;
  findings: ReportedFinding[];
}

/** Whether processes can be pinned to cores here, and there are two of them. */
export const canPin = process.platform === 'linux' && existsSync('/usr/bin/taskset') && availableParallelism() > 1;

/** Longer than any test waits for it. */
const HANG_MS = 120_000;

/**
 * Runs a built scenario under the built agent as its users would, on one core if given, and reads its report. Its
 * recordings are kept in a folder, if given.
 */
export async function runScenario(
  id: string,
  variant: Variant,
  options: { core?: number; level?: 'watch' | 'diagnose' | undefined; keepIn?: string } = {},
): Promise<ScenarioRun> {
  const dir = await mkdtemp(join(tmpdir(), 'evdiag-test-'));
  try {
    const node = [
      process.env.EVDIAG_TEST_NODE ?? process.execPath,
      '-r',
      join(ROOT, 'dist/agent.cjs'),
      join(ROOT, `dist/scenarios/${id}.js`),
    ];
    if (variant === 'fixed') node.push('--fixed');
    const [command, ...args] = options.core === undefined ? node : ['taskset', '-c', String(options.core), ...node];
    const out = join(dir, 'out');
    // A file, because a pipe that this busy process drains late would block the scenario.
    const stdout = openSync(join(dir, 'stdout'), 'w');
    const child = spawn(command!, args, {
      stdio: ['ignore', stdout, 'pipe'],
      timeout: HANG_MS,
      killSignal: 'SIGKILL',
      env: {
        ...process.env,
        NODE_OPTIONS: '',
        EVDIAG_OUT: out,
        EVDIAG_QUIET: '1',
        EVDIAG_LEVEL: options.level ?? 'watch',
      },
    });
    closeSync(stdout);
    let stderr = '';
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const exitCode = await closed(child);
    const headline = (await readFile(join(dir, 'stdout'), 'utf8')).trimEnd().split('\n').at(-1)!;
    const lacks = / skipped, as it needs (.*)$/.exec(headline)?.[1] ?? null;
    if (options.keepIn !== undefined && lacks === null) await cp(out, options.keepIn, { recursive: true });
    stderr = stderr.replace(/^\(node:\d+\) ExperimentalWarning: .*\n\(Use `node --trace-warnings.*\n/m, '');
    return { exitCode, headline, stderr, lacks, findings: lacks === null ? await readFindings(out) : [] };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

function closed(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve, reject) => child.on('error', reject).on('close', resolve));
}

async function readFindings(out: string): Promise<ReportedFinding[]> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [join(ROOT, 'bin/evdiag.mjs'), 'report', out, '--format', 'json'],
    { maxBuffer: 64 * 1024 * 1024 },
  );
  return (JSON.parse(stdout) as { findings: ReportedFinding[] }).findings;
}

const freeCores = [0, 1];

/** Lends a core that no other test of this file has. */
export async function onFreeCore<T>(use: (core: number) => Promise<T>): Promise<T> {
  const core = freeCores.shift();
  if (core === undefined) throw new Error('more tests at a time than cores: see maxConcurrency in vitest.config.ts');
  try {
    return await use(core);
  } finally {
    freeCores.push(core);
  }
}

/** Keeps a core busy, and goes with the process that started it, however that ends. */
export const BURN = 'const { ppid } = process; while (process.ppid === ppid) for (let i = 0; i < 1e8; i++);';

/** Keeps one core busy while `use` runs. */
export async function besideBurner<T>(core: number, use: () => Promise<T>): Promise<T> {
  const burner = spawn('taskset', ['-c', String(core), process.execPath, '-e', BURN], { stdio: 'ignore' });
  try {
    return await use();
  } finally {
    burner.kill('SIGKILL');
  }
}

/** The 1-based lines of a scenario's source that carry the comment `// guilty`. */
export function guiltyLines(id: string): number[] {
  const lines = readFileSync(join(ROOT, `scenarios/${id}.ts`), 'utf8').split('\n');
  return lines.flatMap((line, i) => (line.endsWith('// guilty') ? [i + 1] : []));
}

/** Those that a developer would want to be woken for. */
export function alarms(run: ScenarioRun): ReportedFinding[] {
  return run.findings.filter((finding) => finding.severity !== 'info');
}

/** Rules that judge how busy the loop is. */
export const BUSY_RULES = new Set([
  'cpu-bound-main-thread',
  'deep-async-chain',
  'gc-pause',
  'gc-pressure',
  'overloaded-event-loop',
  'saturated-thread-pool',
  'starved-event-loop',
  'task-switch-churn',
  'timer-storm',
]);

/** Rules that compare how long things took, or how many began in a second: all of it takes long where the host is busy. */
const TIMED_RULES = new Set([
  'growing-workers',
  'heavy-messages',
  'missing-timeout',
  'serial-awaits',
  'slow-upstream',
  'stuck-async',
]);
const TIMED_KINDS = new Set(['overlapping-runs', 'too-small']);

/** Under contention, these rules say nothing, and the report says why. */
export function isUnsure({ findings }: ScenarioRun, rule: string, ruleKind = ''): boolean {
  const silent = !findings.some((finding) => finding.rule === rule && finding.severity !== 'info');
  const contended = findings.some(({ kind }) => kind === 'contention');
  const held = findings.some(({ kind }) => kind === 'host');
  const waited = contended || held;
  // A stall in which the code hardly ran is the host's.
  const isHeld = contended && held && rule === 'blocked-event-loop';
  return (
    silent &&
    (isHeld || (contended && BUSY_RULES.has(rule)) || (waited && (TIMED_RULES.has(rule) || TIMED_KINDS.has(ruleKind))))
  );
}

/** Under contention the line is known, but not always what it does, or how bad that is without a busy host. */
export function isToldOtherwise(run: ScenarioRun, id: string): boolean {
  const contended = run.findings.some(({ kind }) => kind === 'contention');
  return contended && placesOf(run.findings).some((place) => guiltyPlaces(id).includes(place));
}

/** `file:line` of the alarms of one rule and kind, with the file relative to the repository where it is in it. */
export function alarmPlaces(run: ScenarioRun, rule: string, kind?: string): string[] {
  return placesOf(
    alarms(run).filter((finding) => finding.rule === rule && (kind === undefined || finding.kind === kind)),
  );
}

function placesOf(findings: readonly ReportedFinding[]): string[] {
  return findings.map(({ location }) => (location ? `${location.file.replace(ROOT, '')}:${location.line}` : 'nowhere'));
}

/** The places one of which must be named: `scenarios/<id>.ts:<line>`. */
export function guiltyPlaces(id: string): string[] {
  return guiltyLines(id).map((line) => `scenarios/${id}.ts:${line}`);
}
