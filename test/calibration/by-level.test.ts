import { describe, expect, test } from 'vitest';
import { byLevelText, sightOf } from './by-level.ts';
import type { Judged } from './types.ts';

const program = (level: string, name = 'cpu-hog') => ({
  id: `scenarios/${name}-broken-${level}`,
  truth: { expected: [{ rule: 'blocked-event-loop', kind: 'computation' }], spots: [] },
});
const outcome = (id: string, skipped: string | null = null) => ({
  program: id,
  skipped,
  load: 1,
  at: '',
  missed: false,
});
const finding = (id: string, fields: Partial<Judged> = {}): Judged => ({
  program: id,
  rule: 'blocked-event-loop',
  kind: 'computation',
  severity: 'warning',
  confidence: 0.8,
  message: '',
  place: 'app.js:1',
  verdict: 'right',
  ...fields,
});

describe('what was seen of a sick program', () => {
  const { id } = program('watch');
  test.each<[string, Judged[], string, boolean]>([
    ['the fault at its line', [finding(id)], 'located', false],
    ['the same as a remark', [finding(id, { severity: 'info' })], 'located', true],
    ['its line, by another rule', [finding(id, { rule: 'overloaded-event-loop', verdict: 'line' })], 'line', false],
    ['the fault, elsewhere', [finding(id, { verdict: 'wrong' })], 'found', false],
    ['another fault, elsewhere', [finding(id, { rule: 'gc-pressure', verdict: 'wrong' })], 'missed', false],
    ['nothing', [], 'missed', false],
    ['what another program has', [finding('scenarios/other-broken-watch')], 'missed', false],
  ])('%s', (_what, findings, sight, onlyInfo) => {
    expect(sightOf(program('watch'), { outcomes: [outcome(id)], findings })).toEqual({ sight, onlyInfo });
  });

  test('what was not run is not counted as missed', () => {
    for (const outcomes of [[], [outcome(id, 'needs node:sqlite')]]) {
      expect(sightOf(program('watch'), { outcomes, findings: [] }).sight).toBe('not run');
    }
  });
});

test('the table has a line for each program, and the sums of each level', () => {
  const programs = ['cpu-hog', 'slow-route'].flatMap((name) =>
    ['watch', 'diagnose'].map((level) => program(level, name)),
  );
  const ids = programs.map(({ id }) => id);
  const text = byLevelText({
    programs,
    outcomes: ids.slice(0, 3).map((id) => outcome(id)),
    findings: [finding(ids[0]!), finding(ids[1]!, { verdict: 'wrong' })],
    command: 'npm run levels',
    node: '20.0.0',
    cores: 2,
  });
  expect(text).toContain('| `watch` | 1 | 1 | 2 |\n| `diagnose` | 1 | 0 | 1 |');
  expect(text).toContain(
    '| cpu-hog | found, at the line | found, not located |\n| slow-route | **missed** | not run |',
  );
});
