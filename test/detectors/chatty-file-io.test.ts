import { describe, expect, test } from 'vitest';
import { chattyFileIo } from '../../src/detectors/rules/chatty-file-io.ts';
import type { FileUse, Row } from '../../src/recording/types.ts';
import { find, location, outcome, severities, transfers } from '../support/recording.ts';

const appends = (fields: Partial<FileUse> = {}): FileUse => ({
  location,
  callers: [],
  call: 'appendFile',
  use: 'write',
  count: 800,
  bytes: 800 * 80,
  sized: 800,
  positioned: 0,
  sameFile: 800,
  file: 'access.log',
  opened: 800,
  ...fields,
});
const rows = (use: FileUse, seconds = 3, flushes = 0): Row[] =>
  Array.from({ length: seconds }, (_, i) => transfers(2000 + i * 1000, { files: [use], flushes }));
const requests = (count: number, seenShare = 1): Row => ({
  t: 5000,
  type: 'work',
  intervalMs: 5000,
  seenShare,
  entries: [{ kind: 'request', name: 'GET /', count, failed: 0, aborted: 0, maxMs: 9, durations: [] }],
});

test('small writes to one file are one finding, with their number, size and line', () => {
  const [finding, ...others] = find(chattyFileIo, rows(appends()));
  expect(others).toEqual([]);
  expect(finding).toMatchObject({
    kind: 'small-writes',
    severity: 'warning',
    message:
      '2 400 writes of handler went to one file in 3 s, 80 B at a time, which was opened each time (appendFile, access.log).',
    location: { line: 12 },
    span: { firstMs: 1000, lastMs: 4000 },
    evidence: { call: 'appendFile', operations: 2400, perSecond: 800, bytes: 80, file: 'access.log', opened: 2400 },
  });
});

const reads = { use: 'read', call: 'FileHandle.read', opened: 0 } as const;
const looks = { use: 'look', call: 'stat', bytes: 0, sized: 0 } as const;
const whole = { use: 'read', call: 'readFile', bytes: 0, sized: 0 } as const;

test.each([
  ['small reads', appends(reads), 'small-reads'],
  ['a file that is looked at again and again', appends(looks), 'same-file'],
  ['a file that is read as a whole again and again', appends(whole), 'same-file'],
])('%s are found as well', (_name, use, kind) => {
  expect(find(chattyFileIo, rows(use)).map((finding) => finding.kind)).toEqual([kind]);
});

test('it is found where requests come meanwhile that are too few to explain it', () => {
  expect(severities(chattyFileIo, [...rows(appends()), requests(700)])).toEqual(['warning']);
});

describe('it is silent', () => {
  const cases: [string, Row[]][] = [
    ['where there are a few hundred lines', rows(appends(), 1)],
    ['where a log has a line now and then', rows(appends({ count: 250, sized: 250, sameFile: 250 }), 20)],
    ['where each write is a page or more', rows(appends({ bytes: 800 * 4097 }))],
    ['where there are many files', rows(appends({ sameFile: 60 }))],
    ['where many files are looked at', rows(appends({ ...looks, sameFile: 60 }))],
    ['where a database reads where its index says', rows(appends({ ...reads, positioned: 700 }))],
    ['where each write is flushed to the disk', rows(appends(), 3, 800)],
    ['where the size of what is written is not known', rows(appends({ sized: 0, bytes: 0 }))],
    ['where each of many requests writes a line', [...rows(appends()), requests(800)]],
    ['where few of these requests were followed', [...rows(appends()), requests(80, 0.1)]],
    ['where the line is not known', rows(appends({ location: null }))],
  ];
  test.each(cases)('%s', (_name, recording) => {
    expect(find(chattyFileIo, recording)).toEqual([]);
  });
});

test('without rows of transfers there is no data', () => {
  expect(outcome(chattyFileIo, [])).toBe('no-data');
  expect(outcome(chattyFileIo, [transfers(2000)])).toBe('clear');
});
