/** All programs whose truth is known, with the same expectations as the tests have. */
import { execFile, execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { scenarios } from '../../scenarios/index.ts';
import { programs } from '../healthy/programs.ts';
import { hasModule, runHealthy } from '../support/healthy.ts';
import { ROOT, TEST_NODE } from '../support/run-agent.ts';
import { guiltyLines, runScenario, type Variant } from '../support/scenario.ts';
import type { CalibrationProgram, Truth } from './types.ts';

/** At both, so that their findings can be compared. */
const LEVELS = ['watch', 'diagnose'] as const;
type Level = (typeof LEVELS)[number];
const HEALTHY: Truth = { expected: [], spots: [] };
/** A case under load takes half a minute; one that takes so long hangs. */
const CASE_MS = 120_000;

export function ownPrograms(): CalibrationProgram[] {
  const ofScenarios = scenarios.flatMap(({ id, expect }) =>
    (['broken', 'fixed'] as const).flatMap((variant) =>
      LEVELS.map((level) => ({
        id: `scenarios/${id}-${variant}-${level}`,
        truth: variant === 'broken' && expect.length > 0 ? truthOf(id, expect) : HEALTHY,
        run: (keepIn: string) => scenarioRun(id, variant, keepIn, level),
      })),
    ),
  );
  const healthy = programs.map((program) => ({
    id: `healthy/${program.id}`,
    truth: HEALTHY,
    async run(keepIn: string) {
      if (program.needs && !hasModule(program.needs)) return `needs ${program.needs}`;
      await runHealthy(program, undefined, keepIn);
      return null;
    },
  }));
  return [...ofScenarios, ...healthy];
}

function truthOf(id: string, expected: Truth['expected']): Truth {
  const spots = guiltyLines(id).map((line) => ({ file: `/scenarios/${id}.ts`, from: line, to: line }));
  return { expected, spots };
}

async function scenarioRun(id: string, variant: Variant, keepIn: string, level: Level): Promise<string | null> {
  const { exitCode, lacks } = await runScenario(id, variant, { level, keepIn });
  if (lacks !== null) return `needs ${lacks}`;
  if (exitCode !== 0) throw new Error(`it ended with ${exitCode}`);
  return null;
}

/** What answers.json says of a case. */
interface Answer {
  healthy?: boolean;
  rules?: string[];
  kind?: string;
  spots?: [file: string, from: number, to: number][];
}

/** At both levels, of a folder with `answers.json`, `run.mjs` and a folder for each case, whose packages are installed. */
export function casePrograms(folder: string): CalibrationProgram[] {
  const answers: Record<string, Answer> = JSON.parse(readFileSync(join(folder, 'answers.json'), 'utf8'));
  return Object.entries(answers).flatMap(([name, { healthy, rules, kind, spots }]) => {
    if (!healthy && (!rules || !spots)) return [];
    const truth: Truth = healthy
      ? HEALTHY
      : {
          expected: rules!.map((rule) => ({ rule, ...(kind !== undefined && { kind }) })),
          spots: spots!.map(([file, from, to]) => ({ file: `/${name}/${file}`, from, to })),
        };
    return LEVELS.map((level) => ({
      id: `cases/${name}-${level}`,
      truth,
      run: (keepIn: string) => caseRun(folder, name, level, keepIn),
    }));
  });
}

async function caseRun(folder: string, name: string, level: string, keepIn: string): Promise<string | null> {
  const home = mkdtempSync(join(tmpdir(), 'evdiag-installed-'));
  try {
    mkdirSync(join(home, 'node_modules/.bin'), { recursive: true });
    symlinkSync(ROOT, join(home, 'node_modules/evdiag'));
    symlinkSync(join(ROOT, 'bin/evdiag.mjs'), join(home, 'node_modules/.bin/evdiag'));
    const cwd = join(folder, name);
    const { build } = JSON.parse(readFileSync(join(cwd, 'case.json'), 'utf8')) as { build?: string };
    if (build) execFileSync('/bin/sh', ['-c', build], { cwd, stdio: 'ignore' });
    const env = { ...process.env, EVDIAG_APP: home };
    const options = { cwd: folder, env, timeout: CASE_MS, killSignal: 'SIGKILL' } as const;
    await promisify(execFile)(TEST_NODE, [join(folder, 'run.mjs'), basename(name), level], options);
    const recorded = join(cwd, `out-${level}/rec`);
    if (!existsSync(recorded)) throw new Error('it left no recording');
    cpSync(recorded, keepIn, { recursive: true });
    return null;
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}
