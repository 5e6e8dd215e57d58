import { describe, expect, test } from 'vitest';
import { saturatedThreadPool } from '../../src/detectors/rules/saturated-thread-pool.ts';
import type { Header, Row, UnfinishedEntry } from '../../src/recording/types.ts';
import { cpu, entry, find, outcome, severities, unfinished } from '../support/recording.ts';

const jobs = (alive: number, fields: Partial<UnfinishedEntry> = {}) =>
  entry({ what: 'handle', type: 'PBKDF2REQUEST', alive, followed: alive, oldestMs: 900, ...fields });
const file = (fields: Partial<UnfinishedEntry> = {}) =>
  entry({
    what: 'handle',
    type: 'FSREQPROMISE',
    alive: 1,
    oldestMs: 800,
    endedMaxMs: 1200,
    location: { file: '/srv/app.js', line: 40, column: 3, function: 'page' },
    ...fields,
  });

function rows(count: number, entries: UnfinishedEntry[], quiet = 0): Row[] {
  return Array.from({ length: count + quiet }, (_, i) => [
    cpu({ t: 2000 + i * 1000 }),
    unfinished(2000 + i * 1000, i < count ? entries : []),
  ]).flat();
}

test('it is one finding, though the program was told to end', () => {
  const ended: Row[] = [
    ...rows(5, [jobs(16), file()]),
    { t: 6500, type: 'end', reason: 'exit', exitCode: 0, signal: null },
  ];
  expect(severities(saturatedThreadPool, ended)).toEqual(['warning']);
});

test('jobs that compute on all threads while files wait are one finding, at the line that starts them', () => {
  const work = [{ kind: 'request' as const, name: 'POST /login' }];
  const [finding, ...others] = find(saturatedThreadPool, rows(3, [jobs(16, { work }), file()]));
  expect(others).toEqual([]);
  expect(finding).toMatchObject({
    kind: 'computing',
    severity: 'warning',
    message:
      '16 jobs of handler shared the 4 threads of the thread pool, and file operations of page waited for up to 1.2 s.',
    location: { line: 12 },
    alsoAt: [{ line: 40 }],
    work: [{ name: 'POST /login' }],
    evidence: { threads: 4, jobs: 16, type: 'PBKDF2REQUEST', waitedMs: 1200, rows: 3 },
  });
});

describe('it is silent', () => {
  const cases: [string, Row[], Partial<Header>?][] = [
    ['where every job has a thread, and one waits for each', rows(9, [jobs(7), file()])],
    ['where one that was seen stands for all', rows(9, [jobs(16, { followed: 1 }), file()])],
    ['where the pool is larger', rows(9, [jobs(16), file()]), { threadPoolSize: 16 }],
    ['where no file waits', rows(9, [jobs(100)])],
    ['where files are read as quickly as ever', rows(9, [jobs(16), file({ oldestMs: 30, endedLeastMs: 4 })])],
    ['where the disk is slow, and nothing computes', rows(9, [file({ alive: 60 })])],
    ['where it is a burst', rows(2, [jobs(16), file()], 6)],
    [
      'where most rows in between do not show it',
      [...rows(2, [jobs(16), file()], 6), ...later(rows(1, [jobs(16), file()]))],
    ],
    ['where nothing is unfinished', rows(9, [])],
  ];
  test.each(cases)('%s', (_what, all, head = {}) => {
    expect(severities(saturatedThreadPool, all, head)).toEqual([]);
  });

  function later(all: Row[]): Row[] {
    return all.map((row) => ({ ...row, t: row.t + 8000 }));
  }
});

test('the quickest file operation shows it too, as none may be waiting at the moment of a row', () => {
  const quick = file({ oldestMs: 20, endedLeastMs: 150 });
  expect(severities(saturatedThreadPool, rows(3, [jobs(16), quick]))).toEqual(['warning']);
});

test('on a host without a free core it is no alarm', () => {
  const starved = rows(4, [jobs(16), file()]).map((row) => (row.type === 'cpu' ? { ...row, runQueueMs: 800 } : row));
  expect(severities(saturatedThreadPool, starved)).toEqual(['info']);
});

test('without rows of what is unfinished there is no answer', () => {
  expect(outcome(saturatedThreadPool, [cpu()])).toBe('no-data');
});
