/** The results as Markdown. Pure. */
import { alarmsOf } from './judge.ts';
import type { JudgedOutcome, Outcome } from './run.ts';
import type { Judged } from './types.ts';

export interface Calibration {
  outcomes: readonly JudgedOutcome[];
  findings: readonly Judged[];
  /** Programs that were not begun, for time. */
  left: readonly string[];
  command: string;
  burners: number;
  node: string;
  cores: number;
}

/** What was told with at least that confidence, down to the next. */
const BUCKETS = [0.9, 0.8, 0.65, 0.5, 0] as const;

export interface Bucket {
  label: string;
  count: number;
  right: number;
  /** Right, or at a guilty line by another rule or of another kind. */
  line: number;
}

export function bucketsOf(findings: readonly Judged[]): Bucket[] {
  return BUCKETS.map((from, i) => {
    const below = BUCKETS[i - 1] ?? Number.POSITIVE_INFINITY;
    const told = findings.filter(({ confidence }) => confidence >= from && confidence < below);
    const right = told.filter(({ verdict }) => verdict === 'right').length;
    const line = told.filter(({ verdict }) => verdict !== 'wrong').length;
    const label = i === 0 ? `${from} or more` : `${from} to below ${below}`;
    return { label, count: told.length, right, line };
  });
}

export function calibrationText(calibration: Calibration): string {
  const { outcomes, left, command, burners, node, cores } = calibration;
  const findings = alarmsOf(calibration.findings);
  const loads = outcomes.map(({ load }) => load);
  const times = outcomes.map(({ at }) => at).sort();
  const skipped = outcomes.filter((outcome) => outcome.skipped !== null);
  const missed = outcomes.filter((outcome) => outcome.missed).map(({ program }) => program);
  const beside = burners > 0 ? `, beside ${burners} processes that compute` : '';
  return `${[
    '# Calibration',
    '',
    'How often findings of severity warning or above were right, by their stated confidence. A finding is right where a',
    'program’s expectation has its rule and kind and its place is a guilty line; of a healthy program, and of a cure, every one is wrong.',
    '“At the guilty line” adds those that name the line by another rule or kind. The levels of evidence were set by such tables, so',
    'programs that played no part in them may do worse. On a busy machine most stalls are reported as a guess. A command writes this page;',
    'it judges recordings with the rules of the present build:',
    '',
    `\`${command}\``,
    '',
    `- Node ${node}, ${cores} cores${beside}; load average of the machine ${rangeOf(loads)}`,
    `- ${outcomes.length - skipped.length} programs, recorded ${times[0]?.slice(0, 16) ?? '-'} to ${times.at(-1)?.slice(0, 16) ?? '-'} UTC: ${groupsOf(outcomes)}`,
    ...skipped.map(({ program, skipped: why }) => `- Not counted: ${program}, ${why}`),
    ...(missed.length > 0 ? [`- Faulty, and nothing was reported: ${missed.join(', ')}`] : []),
    ...(left.length > 0 ? [`- Not run, for time: ${left.join(', ')}`] : []),
    '',
    '| confidence | findings | right | share right | at the guilty line |',
    '|---|---|---|---|---|',
    ...bucketsOf(findings).map(
      ({ label, count, right, line }) =>
        `| ${label} | ${count} | ${right} | ${shareText(right, count)} | ${shareText(line, count)} |`,
    ),
    '',
    ...rulesOf(findings),
    ...missesOf(findings, 'wrong', '## Wrong'),
    ...missesOf(findings, 'line', '## At the guilty line, by another rule or of another kind'),
    ...severitiesOf(calibration.findings),
  ].join('\n')}\n`;
}

function rulesOf(findings: readonly Judged[]): string[] {
  const rules = [...new Set(findings.map(({ rule }) => rule))].sort();
  return [
    '| rule | findings | right | at the guilty line | mean confidence |',
    '|---|---|---|---|---|',
    ...rules.map((rule) => {
      const told = findings.filter((finding) => finding.rule === rule);
      const right = told.filter(({ verdict }) => verdict === 'right').length;
      const line = told.filter(({ verdict }) => verdict !== 'wrong').length;
      const mean = told.reduce((sum, { confidence }) => sum + confidence, 0) / told.length;
      return `| ${rule} | ${told.length} | ${right} | ${line} | ${mean.toFixed(2)} |`;
    }),
    '',
  ];
}

function missesOf(findings: readonly Judged[], verdict: Judged['verdict'], title: string): string[] {
  const misses = findings.filter((finding) => finding.verdict === verdict).sort((a, b) => b.confidence - a.confidence);
  if (misses.length === 0) return [];
  return [
    title,
    '',
    '| program | reported | confidence | place |',
    '|---|---|---|---|',
    ...misses.map(
      ({ program, rule, kind, severity, confidence, place }) =>
        `| ${program} | ${severity}: ${rule} (${kind}) | ${confidence} | ${shortPlace(place)} |`,
    ),
    '',
  ];
}

/** The same finding (rule, kind and place) of the same program at both levels: an alarm at the one should be one at the other. */
function severitiesOf(findings: readonly Judged[]): string[] {
  const pairs = pairsOf(findings);
  if (pairs.length === 0) return [];
  const other = pairs.filter(({ watch, diagnose }) => watch.severity !== diagnose.severity);
  return [
    '## The same finding at both levels',
    '',
    `Reported at both levels with the same rule, kind and place: ${pairs.length} findings; of another severity: ${other.length}.`,
    '',
    ...(other.length === 0 ? [] : ['| program | finding | at watch | at diagnose | place |', '|---|---|---|---|---|']),
    ...other.map(
      ({ program, watch, diagnose }) =>
        `| ${program} | ${watch.rule} (${watch.kind}) | ${watch.severity} | ${diagnose.severity} | ${shortPlace(watch.place)} |`,
    ),
    ...(other.length === 0 ? [] : ['']),
  ];
}

interface Pair {
  program: string;
  watch: Judged;
  diagnose: Judged;
}

function pairsOf(findings: readonly Judged[]): Pair[] {
  const keyOf = (program: string, { rule, kind, place }: Judged) => [program, rule, kind, place].join(' ');
  const watched = new Map<string, Judged>();
  for (const finding of findings) {
    const program = withoutEnd(finding.program, '-watch');
    if (program !== null) watched.set(keyOf(program, finding), finding);
  }
  return findings.flatMap((diagnose) => {
    const program = withoutEnd(diagnose.program, '-diagnose');
    const watch = program === null ? undefined : watched.get(keyOf(program, diagnose));
    return watch ? [{ program: program!, watch, diagnose }] : [];
  });
}

function withoutEnd(text: string, end: string): string | null {
  return text.endsWith(end) ? text.slice(0, -end.length) : null;
}

/** The folder goes along: many programs have a main.mjs. */
function shortPlace(place: string): string {
  return place.split('/').slice(-2).join('/');
}

function groupsOf(outcomes: readonly Outcome[]): string {
  const counts = new Map<string, number>();
  for (const { program, skipped } of outcomes) {
    const group = program.split('/')[0]!;
    if (skipped === null) counts.set(group, (counts.get(group) ?? 0) + 1);
  }
  return [...counts].map(([group, count]) => `${count} of ${group}`).join(', ');
}

function shareText(part: number, whole: number): string {
  return whole === 0 ? '–' : `${Math.round((part / whole) * 100)} %`;
}

function rangeOf(values: readonly number[]): string {
  if (values.length === 0) return 'unknown';
  const [low, high] = [Math.min(...values), Math.max(...values)].map(Math.round);
  return low === high ? `${low}` : `${low} to ${high}`;
}
