/** Runs the programs one after the other, and judges what was recorded. What was recorded before is not run again. */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { reportOf } from '../../src/cli/output.ts';
import { readFamily } from '../../src/recording/reader.ts';
import { alarmsOf, judged } from './judge.ts';
import type { CalibrationProgram, Judged } from './types.ts';

export interface Outcome {
  program: string;
  /** Why it could not be run, or null. */
  skipped: string | null;
  /** Load of the machine when it began. */
  load: number;
  /** When it began, ISO 8601. */
  at: string;
}

/** And whether it is sick and nothing was told of it. */
export interface JudgedOutcome extends Outcome {
  missed: boolean;
}

interface Options {
  /** Where recordings are kept, a folder for each program. */
  state: string;
  /** No program is begun later than that, on the clock of Date.now(). */
  endMs: number;
  jobs: number;
  say(text: string): void;
}

interface Results {
  outcomes: JudgedOutcome[];
  findings: Judged[];
  /** Not begun, for time. */
  left: string[];
}

export async function runAll(programs: readonly CalibrationProgram[], options: Options): Promise<Results> {
  const results: Results = { outcomes: [], findings: [], left: [] };
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < programs.length) {
      const number = ++next;
      const program = programs[number - 1]!;
      const folder = stateOf(options.state, program.id);
      const isNew = !existsSync(join(folder, 'outcome.json'));
      if (isNew && Date.now() > options.endMs) {
        results.left.push(program.id);
        continue;
      }
      const outcome = isNew ? await run(program, folder) : readOutcome(folder);
      const findings = outcome.skipped === null ? findingsIn(program, folder) : [];
      const missed = outcome.skipped === null && program.truth.expected.length > 0 && alarmsOf(findings).length === 0;
      results.outcomes.push({ ...outcome, missed });
      results.findings.push(...findings);
      options.say(
        `${number}/${programs.length} ${program.id}${isNew ? '' : ' (recorded before)'}: ${words(outcome, alarmsOf(findings))}`,
      );
    }
  };
  await Promise.all(Array.from({ length: options.jobs }, work));
  return results;
}

/** The folder of a program. */
export function stateOf(state: string, id: string): string {
  return join(state, id.replaceAll('/', '-'));
}

/** What failed or was cut short leaves no outcome, and is run again the next time. */
async function run(program: CalibrationProgram, folder: string): Promise<Outcome> {
  const outcome = { program: program.id, load: loadavg()[0]!, at: new Date().toISOString() };
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  try {
    const ended = { ...outcome, skipped: await program.run(join(folder, 'out')) };
    writeFileSync(join(folder, 'outcome.part'), JSON.stringify(ended));
    renameSync(join(folder, 'outcome.part'), join(folder, 'outcome.json'));
    return ended;
  } catch (error) {
    return { ...outcome, skipped: `failed: ${(error as Error).message.split('\n')[0]}` };
  }
}

function readOutcome(folder: string): Outcome {
  return JSON.parse(readFileSync(join(folder, 'outcome.json'), 'utf8'));
}

function findingsIn(program: CalibrationProgram, folder: string): Judged[] {
  return judged(program, reportOf(readFamily(join(folder, 'out'))).findings);
}

function words({ skipped }: Outcome, findings: readonly Judged[]): string {
  if (skipped !== null) return `skipped, ${skipped}`;
  if (findings.length === 0) return 'silent';
  return findings.map(({ verdict, rule, kind, confidence }) => `${verdict} ${rule}/${kind} ${confidence}`).join(', ');
}
