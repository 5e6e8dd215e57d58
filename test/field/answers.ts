/** What is true of the programs: answers.json, and the comments `// guilty` in their source. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../support/run-agent.ts';

export const FIELD = join(ROOT, 'test/field');

/** What load.mjs sends. */
interface Load {
  kind?: 'http' | 'websocket' | 'socket.io';
  path?: string;
  perSecond: number;
  /** Since the program listens. */
  fromMs?: number;
  /** Requests at most. */
  count?: number;
  form?: boolean;
  timeoutMs?: number;
  abortAfterMs?: number;
}

/** Written before the first run, and not changed to fit what evdiag says. */
export interface Answer {
  /** The public threads that the program was rebuilt from: `owner/name#number`. */
  from: string[];
  /** A finding of one of these rules is right. */
  rules: string[];
  /** Patterns, all of which one right finding must match with its message, remedy or evidence. */
  words: string[];
  severity: 'warning' | 'critical';
  /** Whether the program has a cured variant, of which nothing may be reported. */
  cured: boolean;
  seconds: number;
  /** A file of stand-ins/, whose port the program gets as `<NAME>_PORT`. */
  needs?: string;
  /** For the stand-in. */
  options?: Record<string, number>;
  load?: Load[];
}

export function readAnswers(): Map<string, Answer> {
  return new Map(
    Object.entries(JSON.parse(readFileSync(join(FIELD, 'answers.json'), 'utf8')) as Record<string, Answer>),
  );
}

/** The 1-based lines of a program that carry the comment `// guilty`. */
export function guiltyLinesOf(id: string): number[] {
  const lines = readFileSync(join(FIELD, `programs/${id}.cjs`), 'utf8').split('\n');
  return lines.flatMap((line, i) => (line.endsWith('// guilty') ? [i + 1] : []));
}
