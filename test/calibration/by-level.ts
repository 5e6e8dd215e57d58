/** What each level finds of the same sick programs, as Markdown. Pure. */
import type { JudgedOutcome } from './run.ts';
import type { CalibrationProgram, Judged } from './types.ts';

const LEVELS = ['watch', 'diagnose'] as const;
type Level = (typeof LEVELS)[number];

/**
 * `located`: an expected rule and kind, at the guilty line. `line`: that line, by another rule or of another kind. `found`: an
 * expected rule and kind, at another line or at none.
 */
type Sight = 'located' | 'line' | 'found' | 'missed' | 'not run';

const WORDS: Readonly<Record<Sight, string>> = {
  located: 'found, at the line',
  line: 'at the line, by another rule',
  found: 'found, not located',
  missed: '**missed**',
  'not run': 'not run',
};

export interface ByLevel {
  /** Sick ones. */
  programs: readonly Pick<CalibrationProgram, 'id' | 'truth'>[];
  outcomes: readonly JudgedOutcome[];
  findings: readonly Judged[];
  command: string;
  node: string;
  cores: number;
}

/** What was seen of one run. */
export function sightOf(
  { id, truth }: Pick<CalibrationProgram, 'id' | 'truth'>,
  { outcomes, findings }: Pick<ByLevel, 'outcomes' | 'findings'>,
): { sight: Sight; onlyInfo: boolean } {
  const outcome = outcomes.find(({ program }) => program === id);
  if (!outcome || outcome.skipped !== null) return { sight: 'not run', onlyInfo: false };
  const told = findings.filter(({ program }) => program === id);
  const isExpected = ({ rule, kind }: Judged): boolean =>
    truth.expected.some((one) => one.rule === rule && (one.kind === undefined || one.kind === kind));
  const ways: [Sight, Judged[]][] = [
    ['located', told.filter(({ verdict }) => verdict === 'right')],
    ['line', told.filter(({ verdict }) => verdict === 'line')],
    ['found', told.filter(isExpected)],
  ];
  const [sight, those] = ways.find(([, some]) => some.length > 0) ?? (['missed', []] as const);
  return { sight, onlyInfo: those.length > 0 && those.every(({ severity }) => severity === 'info') };
}

export function byLevelText(all: ByLevel): string {
  const names = [...new Set(all.programs.map(({ id }) => nameOf(id)))].sort();
  const sights = (name: string) =>
    LEVELS.map((level) => {
      const program = all.programs.find(({ id }) => id === `scenarios/${name}-broken-${level}`);
      return program ? sightOf(program, all) : { sight: 'not run' as const, onlyInfo: false };
    });
  const rows = names.map((name) => ({ name, sights: sights(name) }));
  const loads = all.outcomes.map(({ load }) => load);
  const range = loads.length > 0 ? `${Math.min(...loads).toFixed(0)} to ${Math.max(...loads).toFixed(0)}` : '-';
  return `${[
    '# What each level finds',
    '',
    'Each sick program of `evdiag scenario`, once at each level, under its usual load and for as long as it takes by itself, which is some',
    'seconds; `--longer 4` lets steady loads go on four times as long. A command writes this page; `--fresh` runs all of them again:',
    '',
    `\`${all.command}\``,
    '',
    `Node ${all.node}, ${all.cores} cores; load average of the machine ${range}.`,
    '',
    '| | found | of these at the line | of |',
    '|---|---|---|---|',
    ...LEVELS.map((level, i) =>
      totalsOf(
        level,
        rows.map((row) => row.sights[i]!.sight),
      ),
    ),
    '',
    '| program | watch | diagnose |',
    '|---|---|---|',
    ...rows.map((row) => `| ${row.name} | ${row.sights.map(cellOf).join(' | ')} |`),
  ].join('\n')}\n`;
}

function totalsOf(level: Level, sights: Sight[]): string {
  const run = sights.filter((sight) => sight !== 'not run');
  const found = run.filter((sight) => sight !== 'missed').length;
  const located = run.filter((sight) => sight === 'located' || sight === 'line').length;
  return `| \`${level}\` | ${found} | ${located} | ${run.length} |`;
}

function cellOf({ sight, onlyInfo }: { sight: Sight; onlyInfo: boolean }): string {
  return `${WORDS[sight]}${onlyInfo ? ' (info)' : ''}`;
}

/** `scenarios/cpu-hog-broken-watch` by its scenario. */
function nameOf(id: string): string {
  return id.slice(id.indexOf('/') + 1, id.lastIndexOf('-broken-'));
}
