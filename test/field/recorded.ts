/** All that was recorded, judged by the present rules. */
import { reportOf } from '../../src/cli/output.ts';
import { isFindingOf } from '../../src/detectors/evidence.ts';
import type { Finding } from '../../src/detectors/types.ts';
import { readFamily } from '../../src/recording/reader.ts';
import type { Outcome } from '../calibration/run.ts';
import { type Answer, guiltyLinesOf, readAnswers } from './answers.ts';
import { falseAlarms, type SickVerdict, sickVerdict } from './judge.ts';
import { fieldId, LEVELS } from './programs.ts';
import type { Variant } from './run-program.ts';
import type { Column, Field, Row } from './table.ts';

/** Where a program's recording is, and how it was made. */
type Recorded = Outcome & { out: string };
/** Null where it was not run. */
type OutcomeOf = (id: string) => Recorded | null;
/** Of the time. */
const MOST = 0.5;

const MAJORS = ['20', '22', '24', '26'];

export function fieldOf(outcomeOf: OutcomeOf, command: string, only: RegExp): Field {
  const answers = [...readAnswers()].filter(([name]) => only.test(name));
  const idOf = (name: string, variant: Variant, { level, major }: Column): string =>
    fieldId(name, variant, level, major);
  const all = MAJORS.flatMap((major) => LEVELS.map((level) => ({ major, level })));
  const columns = all.filter((column) => answers.some(([name]) => outcomeOf(idOf(name, 'sick', column)) !== null));
  const rows = answers.map(([name, answer]): Row => {
    const judged = <T>(variant: Variant, judge: (out: string) => T) =>
      columns.map((column): T | string | null => {
        const outcome = outcomeOf(idOf(name, variant, column));
        return outcome === null ? null : (outcome.skipped ?? judge(outcome.out));
      });
    return {
      name,
      from: answer.from,
      sick: judged('sick', (out) => verdictOf(name, answer, out)),
      cured: judged('cured', (out) => falseAlarms(findingsIn(out))),
    };
  });
  const circumstances = columns.map((column) => {
    const outcomes = answers.flatMap(([name]) =>
      (['sick', 'cured'] as const).flatMap((variant) => outcomeOf(idOf(name, variant, column)) ?? []),
    );
    return circumstance(column, outcomes);
  });
  return { columns, rows, command, circumstances };
}

export function verdictOf(name: string, answer: Answer, out: string): SickVerdict {
  return sickVerdict(name, answer, guiltyLinesOf(name), findingsIn(out));
}

const known = new Map<string, Finding[]>();

/** As `evdiag report --format json` has them. */
function findingsIn(out: string): Finding[] {
  const findings = known.get(out) ?? reportOf(readFamily(out)).findings;
  known.set(out, findings);
  return findings;
}

/** The report says that the thread waited for a core for most of the time in which it could have run. */
function wasContended(out: string): boolean {
  return findingsIn(out).some(
    (finding) => isFindingOf(finding, 'recording-quality') && (finding.evidence.contentionShare ?? 0) > MOST,
  );
}

function circumstance({ major, level }: Column, outcomes: readonly Recorded[]): string {
  const times = outcomes.map(({ at }) => at.slice(0, 16)).sort();
  const loads = outcomes.map(({ load }) => Math.round(load)).sort((a, b) => a - b);
  const contended = outcomes.filter(({ skipped, out }) => skipped === null && wasContended(out)).length;
  const skipped = outcomes.flatMap(({ program, skipped }) => (skipped === null ? [] : [`${program} (${skipped})`]));
  const lacking = skipped.length > 0 ? `; skipped: ${skipped.join(', ')}` : '';
  return `${level}, Node ${major}: ${outcomes.length} runs, ${times[0]} to ${times.at(-1)} UTC, load of the machine ${loads[0]} to ${loads.at(-1)}; in ${contended} of them the main thread waited for a core most of the time that it could have run${lacking}`;
}
