/** The programs as calibration knows programs: an id, what is true of it, and how it is run. */
import type { CalibrationProgram, Truth } from '../calibration/types.ts';
import { type Answer, guiltyLinesOf, readAnswers } from './answers.ts';
import { majorOf, prepareHome } from './home.ts';
import { runProgram, type Variant } from './run-program.ts';

export type Level = 'watch' | 'diagnose';
export const LEVELS: readonly Level[] = ['watch', 'diagnose'];

export interface FieldProgram extends CalibrationProgram {
  name: string;
  variant: Variant;
  level: Level;
  major: string;
}

interface Choice {
  node: string;
  levels: readonly Level[];
  say?(text: string): void;
}

/** Of each program its sick and its cured variant, at each of the levels; nothing is installed before the first is run. */
export function fieldPrograms({ node, levels, say = () => {} }: Choice): FieldProgram[] {
  const major = majorOf(node);
  let home: string | undefined;
  const observed = (level: Level, out: string) => {
    home ??= prepareHome(node, say);
    const env = { EVDIAG_OUT: out, EVDIAG_LEVEL: level, EVDIAG_QUIET: '1' };
    return { node, home, args: ['-r', 'evdiag/agent'], env };
  };
  return levels.flatMap((level) =>
    [...readAnswers()].flatMap(([name, answer]) =>
      (answer.cured ? (['sick', 'cured'] as const) : (['sick'] as const)).map((variant) => ({
        id: fieldId(name, variant, level, major),
        name,
        variant,
        level,
        major,
        truth: truthOf(name, variant, answer),
        run: (out: string) => runProgram(name, variant, answer, observed(level, out)),
      })),
    ),
  );
}

export function fieldId(name: string, variant: Variant, level: Level, major: string): string {
  return `field/${name}-${variant}-${level}-node${major}`;
}

function truthOf(name: string, variant: Variant, { rules }: Answer): Truth {
  if (variant === 'cured') return { expected: [], spots: [] };
  const spots = guiltyLinesOf(name).map((line) => ({ file: `/programs/${name}.cjs`, from: line, to: line }));
  return { expected: rules.map((rule) => ({ rule })), spots };
}
