/** Runs healthy programs under the agent, several at once, and expects that they did their work and caused no alarm. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { build } from 'esbuild';
import pLimit from 'p-limit';
import { afterAll, beforeAll, test } from 'vitest';
import type { Finding } from '../../src/detectors/types.ts';
import type { Report } from '../../src/report/types.ts';
import { AGENT_CJS, inLab, type Lab, ROOT, TEST_NODE } from './run-agent.ts';
import { BURN, besideBurner, canPin } from './scenario.ts';

const HEALTHY = join(ROOT, 'test/healthy');
/** Most programs idle most of the time: five of them and their load leave a machine of two cores some room. */
const AT_ONCE = 5;
const LOAD_SECONDS = 5;
/** A busy machine serves less; a program that served less than this share of its paced load was not tried. */
const LEAST_SHARE = 0.25;
/** Waiting for its turn included. */
const RUN_LIMIT_MS = 240_000;

const inTurn = pLimit(AT_ONCE);

/** What `load.mjs` sends. `{i}` in a path or body becomes the number of the request. */
export interface Load {
  protocol: 'http' | 'tcp' | 'udp' | 'ws';
  connections: number;
  /** Of all connections together. */
  perSecond: number;
  requests?: { path: string; method?: string; body?: unknown; abortAfterMs?: number }[];
  /** A client rests for this many times the time that its answer took; 1 where not given. */
  restRatio?: number;
}

/**
 * A program under `test/healthy/programs/<id>/`. A `prepare.mjs` beside it makes its input files first, unobserved.
 * A server prints `listening on <port>`, gets load, and ends at SIGTERM; any other prints `did <n> …` when it ends.
 */
export interface HealthyProgram {
  id: string;
  main: string;
  build?: 'esbuild' | 'tsc';
  load?: Load;
  /** For programs that neither get load nor end by themselves. */
  stopAfterSeconds?: number;
  /** SIGTERM comes when the load has ended, or while its last requests are in flight. */
  stop?: 'in-flight';
  /** Requests served or things done; a share of the paced load where not given. */
  atLeast?: number;
  /** A built-in module that not every Node has. */
  needs?: string;
}

export interface HealthyRun {
  exitCode: number | null;
  stderr: string;
  done: number;
  failed: number;
  /** What the load said went wrong. */
  errors: string[];
  report: Report;
}

/** A machine on which everything takes longer. */
export interface Hardship {
  /** A prefix that starts the program there, and what removes that again. */
  place(): { under: readonly string[]; remove(): void };
  /** Things done at least: the point is what the report says, not the speed. */
  atLeast: number;
  hangMs: number;
  /** Waiting for its turn included. */
  limitMs: number;
}

/** One test for each program, AT_ONCE of them at a time; only the one that HEALTHY_ONLY names, if given; at EVDIAG_LEVEL. */
export function expectSilence(programs: readonly HealthyProgram[], hardship?: Hardship): void {
  const only = process.env.HEALTHY_ONLY;
  for (const program of programs.filter(({ id }) => !only || id === only)) {
    const testOf = program.needs && !hasModule(program.needs) ? test.skip : test.concurrent;
    testOf(
      program.id,
      ({ expect }) => inTurn(() => expectSilenceOf(program, expect, hardship)),
      hardship?.limitMs ?? RUN_LIMIT_MS,
    );
  }
}

async function expectSilenceOf(
  program: HealthyProgram,
  expect: typeof import('vitest').expect,
  hardship?: Hardship,
): Promise<void> {
  const { report, done, ...outcome } = await runHealthy(program, hardship);
  expect(outcome).toEqual({ exitCode: 0, stderr: '', failed: 0, errors: [] });
  expect(done, 'work done').toBeGreaterThanOrEqual(hardship?.atLeast ?? leastOf(program));
  expect(report.recording.durationMs, 'watched all the while').toBeGreaterThan(program.load ? LOAD_SECONDS * 1000 : 0);
  expect(report.rules.filter(({ outcome }) => outcome === 'error')).toEqual([]);
  expect(report.findings.filter(({ severity }) => severity !== 'info').map(summaryOf)).toEqual([]);
}

function leastOf({ load, atLeast }: HealthyProgram): number {
  return atLeast ?? load!.perSecond * LOAD_SECONDS * LEAST_SHARE;
}

/** What a developer needs to find out why the alarm was raised. */
function summaryOf({ rule, kind, severity, message, location, evidence }: Finding): object {
  return { rule, kind, severity, message, place: location && `${location.file}:${location.line}`, evidence };
}

/** Runs it to its end; its recordings are kept in that folder, if given. */
export async function runHealthy(program: HealthyProgram, hardship?: Hardship, keepIn?: string): Promise<HealthyRun> {
  let run: HealthyRun | undefined;
  await inLab(async (lab) => {
    const place = hardship?.place();
    try {
      run = await runIn(lab, program, { under: place?.under ?? [], ...hardship });
      if (keepIn !== undefined) cpSync(lab.out, keepIn, { recursive: true });
    } finally {
      place?.remove();
    }
  })();
  return run!;
}

async function runIn(
  lab: Lab,
  healthy: HealthyProgram,
  { under, hangMs, atLeast }: { under: readonly string[] } & Partial<Hardship>,
): Promise<HealthyRun> {
  const { id, main, build, load, stop, stopAfterSeconds } = healthy;
  const folder = join(HEALTHY, 'programs', id);
  const prepare = join(folder, 'prepare.mjs');
  if (existsSync(prepare)) await lab.run(prepare, { node: [], ...(hangMs !== undefined && { hangMs }) });
  const file = build ? await builders[build](folder, main, lab.folder) : join(folder, main);
  const program = lab.start(file, {
    under,
    ...(hangMs !== undefined && { hangMs }),
    node: ['-r', AGENT_CJS, ...(build ? ['--enable-source-maps'] : [])],
    env: { EVDIAG_QUIET: '1', EVDIAG_LEVEL: process.env.EVDIAG_LEVEL ?? 'watch', NODE_NO_WARNINGS: '1' },
  });
  const answers = { served: 0, failed: 0, errors: [] as string[] };
  if (load) {
    await program.until('stdout', 'listening on ');
    const port = Number(/listening on (\d+)/.exec(program.stdout())![1]);
    const text = JSON.stringify({ ...load, port, seconds: LOAD_SECONDS, least: atLeast ?? leastOf(healthy) });
    const loader = lab.start(join(HEALTHY, 'load.mjs'), {
      node: [],
      args: [text],
      ...(hangMs !== undefined && { hangMs }),
    });
    if (stop === 'in-flight') await loader.until('stdout', 'the last answers');
    else await loader.ended;
    program.kill('SIGTERM');
    const { stdout, stderr } = await loader.ended;
    Object.assign(answers, stderr ? { failed: 1, errors: [stderr] } : JSON.parse(stdout.trimEnd().split('\n').at(-1)!));
  } else if (stopAfterSeconds) {
    await delay(stopAfterSeconds * 1000);
    program.kill('SIGTERM');
  }
  const { exitCode, stderr, stdout } = await program.ended;
  const done = load ? answers.served : Number(/^did (\d+)/m.exec(stdout)?.[1] ?? 0);
  return { exitCode, stderr, done, failed: answers.failed, errors: answers.errors, report: await lab.report() };
}

/** Each makes a program of TypeScript sources and returns its main file. */
const builders = {
  async esbuild(folder: string, main: string, outdir: string): Promise<string> {
    const outfile = join(outdir, 'main.cjs');
    const entryPoints = [join(folder, main)];
    await build({ entryPoints, outfile, bundle: true, platform: 'node', format: 'cjs', sourcemap: true });
    return outfile;
  },
  async tsc(folder: string, main: string, outDir: string): Promise<string> {
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
    execFileSync(process.execPath, [tsc, '-p', folder, '--outDir', outDir], { stdio: 'pipe' });
    return join(outDir, main.replace('.mts', '.mjs'));
  },
};

export function hasModule(name: string): boolean {
  return spawnSync(TEST_NODE, ['-e', `require('${name}')`], { stdio: 'ignore' }).status === 0;
}

/** Keeps one core busy during the tests around it: a fixed one where a process can be pinned. */
export function burnerBeside(): void {
  let release = (): void => {};
  let burning: Promise<void> | undefined;
  beforeAll(() => {
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    burning = canPin ? besideBurner(1, () => held) : besideUnpinnedBurner(() => held);
  });
  afterAll(async () => {
    release();
    await burning;
  });
}

/** Keeps all cores busy during the tests around it, twice over. */
export function burnersBeside(count: number): void {
  const burners: ChildProcess[] = [];
  beforeAll(() => {
    for (let i = 0; i < count; i++) burners.push(spawn(process.execPath, ['-e', BURN], { stdio: 'ignore' }));
  });
  afterAll(() => {
    for (const burner of burners) burner.kill('SIGKILL');
  });
}

async function besideUnpinnedBurner(use: () => Promise<void>): Promise<void> {
  const burner = spawn(process.execPath, ['-e', BURN], { stdio: 'ignore' });
  try {
    await use();
  } finally {
    burner.kill('SIGKILL');
  }
}
