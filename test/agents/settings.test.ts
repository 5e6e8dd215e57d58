import { describe, expect, test } from 'vitest';
import { readSettings } from '../../agents/settings.ts';

const DEFAULTS = {
  out: '/cwd/.evdiag',
  level: 'watch',
  budgetShare: null,
  slowMs: 100,
  maxBytes: 64e6,
  metrics: null,
  whyMs: null,
  recent: true,
  quiet: false,
  summary: true,
  family: null,
};
const read = (env: Record<string, string>) => readSettings(env, (path) => `/cwd/${path}`);

test('without any variable, the defaults', () => {
  expect(read({})).toEqual({ settings: DEFAULTS, problems: [] });
});

describe('good values', () => {
  test.each([
    ['EVDIAG_LEVEL', 'diagnose', { level: 'diagnose' }],
    ['EVDIAG_LEVEL', ' watch ', {}],
    ['EVDIAG_BUDGET', '2%', { budgetShare: 0.02 }],
    ['EVDIAG_BUDGET', ' 0.5 % ', { budgetShare: 0.005 }],
    ['EVDIAG_BUDGET', '3', { budgetShare: 0.03 }],
    ['EVDIAG_BUDGET', '0%', { budgetShare: 0 }],
    ['EVDIAG_SLOW_MS', '20', { slowMs: 20 }],
    ['EVDIAG_SLOW_MS', '250.5', { slowMs: 250.5 }],
    ['EVDIAG_MAX_MB', '1', { maxBytes: 1e6 }],
    ['EVDIAG_QUIET', '1', { quiet: true }],
    ['EVDIAG_QUIET', 'TRUE', { quiet: true }],
    ['EVDIAG_QUIET', 'off', {}],
    ['EVDIAG_WHY', '5s', { whyMs: 5000 }],
    ['EVDIAG_WHY', ' 2 ', { whyMs: 2000 }],
    ['EVDIAG_WHY', '1500ms', { whyMs: 1500 }],
    ['EVDIAG_WHY', '1h', { whyMs: 3_600_000 }],
    ['EVDIAG_WHY', '0', {}],
    ['EVDIAG_RECENT', '0', { recent: false }],
    ['EVDIAG_SUMMARY', '0', { summary: false }],
    ['EVDIAG_OUT', 'here', { out: '/cwd/here' }],
    ['EVDIAG_FAMILY', 'there', { family: '/cwd/there' }],
  ])('%s=%s', (name, value, expected) => {
    expect(read({ [name]: value })).toEqual({ settings: { ...DEFAULTS, ...expected }, problems: [] });
  });

  test.each([
    'EVDIAG_LEVEL',
    'EVDIAG_BUDGET',
    'EVDIAG_SLOW_MS',
    'EVDIAG_MAX_MB',
    'EVDIAG_QUIET',
    'EVDIAG_OUT',
    'EVDIAG_FAMILY',
  ])('an empty %s is the default', (name) =>
    expect(read({ [name]: '' })).toEqual({ settings: DEFAULTS, problems: [] }),
  );
});

describe('a bad value is one sentence, and the default', () => {
  test.each([
    ['EVDIAG_LEVEL', 'Watch'],
    ['EVDIAG_BUDGET', 'much'],
    ['EVDIAG_BUDGET', '-1%'],
    ['EVDIAG_BUDGET', '60%'],
    ['EVDIAG_BUDGET', '2 percent'],
    ['EVDIAG_BUDGET', '1e1%'],
    ['EVDIAG_SLOW_MS', 'NaN'],
    ['EVDIAG_SLOW_MS', 'Infinity'],
    ['EVDIAG_SLOW_MS', '19'],
    ['EVDIAG_SLOW_MS', '100ms'],
    ['EVDIAG_MAX_MB', '0.5'],
    ['EVDIAG_MAX_MB', '1e9'],
    ['EVDIAG_QUIET', '2'],
    ['EVDIAG_SUMMARY', 'ja'],
  ])('%s=%s', (name, value) => {
    const { settings, problems } = read({ [name]: value });
    expect(settings).toEqual(DEFAULTS);
    expect(problems).toEqual([expect.stringMatching(new RegExp(`^${name}="${value}" is not .*; using \\S+$`))]);
  });

  test('control characters and endless values do not reach the terminal', () => {
    const { problems } = read({ EVDIAG_LEVEL: `\u001b[31m\n${'x'.repeat(5000)}` });
    expect(problems).toHaveLength(1);
    expect(problems[0]).not.toMatch(/[\u0000-\u001f]/);
    expect(problems[0]!.length).toBeLessThan(200);
  });
});
