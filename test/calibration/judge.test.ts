import { describe, expect, test } from 'vitest';
import { alarmsOf, judged } from './judge.ts';
import { bucketsOf, calibrationText } from './table.ts';
import type { Judged, Truth } from './types.ts';

const truth: Truth = {
  expected: [{ rule: 'blocked-event-loop', kind: 'json' }, { rule: 'gc-pressure' }],
  spots: [{ file: '/scenarios/one.ts', from: 12, to: 14 }],
};
const place = (line: number, file = '/srv/scenarios/one.ts') => ({ file, line, column: 1, function: 'work' });
const told = {
  rule: 'blocked-event-loop',
  kind: 'json',
  severity: 'warning' as const,
  confidence: 0.9,
  message: 'It was blocked.',
  location: place(12),
};

const verdictOf = (fields: Partial<Parameters<typeof judged>[1][number]>, of: Truth = truth) =>
  judged({ id: 'scenarios/one-broken', truth: of }, [{ ...told, ...fields }]).map(({ verdict }) => verdict);

describe('a finding is', () => {
  test('right by rule, kind and line', () => {
    expect(verdictOf({})).toEqual(['right']);
    expect(verdictOf({ location: place(14) })).toEqual(['right']);
    expect(verdictOf({ rule: 'gc-pressure', kind: 'any' })).toEqual(['right']);
  });

  test('half right at the line, of another kind or by another rule', () => {
    expect(verdictOf({ kind: 'regexp' })).toEqual(['line']);
    expect(verdictOf({ rule: 'starved-event-loop', kind: 'microtask' })).toEqual(['line']);
  });

  test('wrong at another line or file, and without one', () => {
    expect(verdictOf({ location: place(15) })).toEqual(['wrong']);
    expect(verdictOf({ location: place(12, '/srv/scenarios/other-one.ts') })).toEqual(['wrong']);
    expect(verdictOf({ location: null })).toEqual(['wrong']);
  });

  test('wrong of a healthy program, whatever it says', () => {
    expect(verdictOf({}, { expected: [], spots: [] })).toEqual(['wrong']);
  });

  test('no alarm where it is information', () => {
    const of = { id: 'scenarios/one-broken', truth };
    const info = judged(of, [{ ...told, severity: 'info' }]);
    expect(info).toMatchObject([{ severity: 'info', verdict: 'right' }]);
    expect(alarmsOf([...info, ...judged(of, [told])])).toMatchObject([{ severity: 'warning' }]);
  });
});

describe('the table', () => {
  const finding = (confidence: number, verdict: Judged['verdict']): Judged => ({
    ...{ program: 'healthy/koa', rule: 'gc-pressure', kind: 'allocation', severity: 'warning', message: '' },
    ...{ place: '/root/app.js:3', confidence, verdict },
  });
  const findings = [finding(0.95, 'right'), finding(0.9, 'line'), finding(0.89, 'right'), finding(0.2, 'wrong')];

  test('counts each finding once, by what was told', () => {
    expect(bucketsOf(findings).map(({ count, right, line }) => [count, right, line])).toEqual([
      [2, 1, 2],
      [1, 1, 1],
      [0, 0, 0],
      [0, 0, 0],
      [1, 0, 0],
    ]);
  });

  test('says what was run, what was skipped and left, and lists what was wrong', () => {
    const outcomes = [
      { program: 'healthy/koa', skipped: null, missed: false, load: 2.4, at: '2026-01-02T03:04:05Z' },
      { program: 'scenarios/x-broken', skipped: null, missed: true, load: 3, at: '2026-01-02T03:05:05Z' },
      { program: 'healthy/sqlite', skipped: 'needs node:sqlite', missed: false, load: 7, at: '2026-01-02T03:09:05Z' },
    ];
    const machine = { burners: 4, node: '22.1.0', cores: 2 };
    const text = calibrationText({
      outcomes,
      findings,
      left: ['healthy/ws'],
      command: 'npm run calibrate',
      ...machine,
    });
    for (const part of [
      'Node 22.1.0, 2 cores, beside 4 processes that compute; load average of the machine 2 to 7',
      '2 programs, recorded 2026-01-02T03:04 to 2026-01-02T03:09 UTC: 1 of healthy, 1 of scenarios',
      'Faulty, and nothing was reported: scenarios/x-broken',
      'Not counted: healthy/sqlite, needs node:sqlite',
      'Not run, for time: healthy/ws',
      '| 0.9 or more | 2 | 1 | 50 % | 100 % |',
      '| 0.8 to below 0.9 | 1 | 1 | 100 % | 100 % |',
      '| 0.65 to below 0.8 | 0 | 0 | – | – |',
      '| healthy/koa | warning: gc-pressure (allocation) | 0.2 | root/app.js:3 |',
    ]) {
      expect(text).toContain(part);
    }
  });

  test('compares the severity of one finding at both levels', () => {
    const at = (level: string, severity: Judged['severity'], line = 3): Judged => ({
      ...finding(0.9, 'right'),
      ...{ program: `scenarios/x-broken-${level}`, severity, place: `/root/app.js:${line}` },
    });
    const text = calibrationText({
      outcomes: [],
      findings: [
        at('watch', 'info'),
        at('diagnose', 'warning'),
        at('watch', 'warning', 9),
        at('diagnose', 'warning', 9),
      ],
      ...{ left: [], command: 'npm run calibrate', burners: 0, node: '22.1.0', cores: 2 },
    });
    expect(text).toContain('2 findings; of another severity: 1.');
    expect(text).toContain('| scenarios/x-broken | gc-pressure (allocation) | info | warning | root/app.js:3 |');
  });
});
