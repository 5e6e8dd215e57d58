import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { InputError, readFamily, readRecording } from '../../src/recording/reader.ts';
import { cpu, deepSample, header, ndjson, stall, tempFolder, utilization } from '../support/recording.ts';

const FILE = 'recording.ndjson';
const small = ndjson([header, utilization(0.5), stall(), cpu({ t: 2000 })]);

describe('reader', () => {
  test('reads a folder and its file alike', () => {
    const folder = tempFolder({ [FILE]: small });
    const [recording] = readRecording(folder);
    expect(recording).toMatchObject({ header, durationMs: 2000, skippedLines: 0, truncated: false, path: folder });
    expect(recording?.rows.map((row) => row.type)).toEqual(['event-loop-utilization', 'stall', 'cpu']);
    expect(readRecording(join(folder, FILE))).toEqual([recording]);
  });

  test('reads deep samples and triggers by the names that they had before format 1.5', () => {
    const fields = { t: 7000, reason: 'gc', value: 0.2, limit: 0.05 };
    const old = [
      { ...deepSample(), type: 'look' },
      { ...fields, type: 'suspicion', look: true },
    ];
    const lines = [header, ...old].map((row) => `${JSON.stringify(row)}\n`);
    const [recording] = readRecording(tempFolder({ [FILE]: lines.join('') }));
    expect(recording?.skippedLines).toBe(0);
    expect(recording?.rows).toEqual([deepSample(), { ...fields, type: 'trigger', deepSample: true }]);
  });

  test('is readable to the last whole line, wherever it was cut off', () => {
    const bytes = Buffer.from(small);
    const headEnd = bytes.indexOf('\n') + 1;
    const folder = tempFolder();
    for (let length = 0; length <= bytes.length; length++) {
      writeFileSync(join(folder, FILE), bytes.subarray(0, length));
      if (length < headEnd) {
        expect(() => readRecording(folder)).toThrow(InputError);
        continue;
      }
      const whole = bytes.subarray(0, length).toString().split('\n').length - 2;
      const [recording] = readRecording(folder);
      expect(recording?.rows.length).toBe(whole);
      expect(recording?.skippedLines).toBe(0);
      expect(recording?.truncated).toBe(length > headEnd && bytes[length - 1] !== 10);
    }
  });

  test('reads the older chunk first, and survives a newer one cut off in its header', () => {
    const older = ndjson([header, cpu({ t: 1000 })]);
    const newer = ndjson([header, cpu({ t: 2000 }), cpu({ t: 3000 })]);
    const [both] = readRecording(tempFolder({ 'recording.1.ndjson': older, [FILE]: newer }));
    expect(both?.rows.map((row) => row.t)).toEqual([1000, 2000, 3000]);
    const [cut] = readRecording(tempFolder({ 'recording.1.ndjson': older, [FILE]: newer.slice(0, 50) }));
    expect(cut).toMatchObject({ truncated: true, durationMs: 1000 });
  });

  test('an older chunk of another process is not mixed in', () => {
    const other = ndjson([{ ...header, pid: 7 }, cpu({ t: 1 })]);
    const [recording] = readRecording(tempFolder({ 'recording.1.ndjson': other, [FILE]: small }));
    expect(recording?.rows.length).toBe(3);
  });

  test('gives a family root first, and the newest family of an EVDIAG_OUT folder', () => {
    const child = ndjson([{ ...header, pid: 99, parentPid: 100, startMonotonicMs: 500 }, cpu()]);
    const family = { [`main-100/${FILE}`]: small, [`child-99/${FILE}`]: child };
    const pids = (input: string) => readRecording(input).map((recording) => recording.header.pid);
    expect(pids(tempFolder(family))).toEqual([100, 99]);
    const out = tempFolder({
      [`20260101-000000-9/main-1/${FILE}`]: ndjson([{ ...header, pid: 1 }]),
      [`20260101-000000-10/main-2/${FILE}`]: ndjson([{ ...header, pid: 2 }]),
      [`20251231-235959-99/main-3/${FILE}`]: ndjson([{ ...header, pid: 3 }]),
    });
    mkdirSync(join(out, '20260102-000000-1'));
    expect(pids(out)).toEqual([2]);
  });

  test('one unreadable recording does not hide the rest of its family', () => {
    const folder = tempFolder({ [`main-1/${FILE}`]: small, [`child-2/${FILE}`]: '' });
    const family = readFamily(folder);
    expect(family.recordings.length).toBe(1);
    expect(family.unreadable).toEqual([expect.stringContaining('is empty')]);
  });

  test('a newer minor version is fine; unknown rows are counted', () => {
    const text = ndjson([{ ...header, minor: 9, more: 1 }, { t: 1, type: 'aura', color: 'blue' }, cpu()]);
    expect(readRecording(tempFolder({ [FILE]: text }))[0]).toMatchObject({ skippedLines: 1, rows: [cpu()] });
  });

  test('rows out of order are put in order, and dropped rows are added up', () => {
    const dropped = { t: 50, type: 'dropped', rows: 3, why: 'full' };
    const [recording] = readRecording(tempFolder({ [FILE]: ndjson([header, cpu(), dropped, dropped]) }));
    expect(recording).toMatchObject({ droppedRows: 6, durationMs: 1000 });
    expect(recording?.rows.map((row) => row.t)).toEqual([50, 50, 1000]);
  });

  test.each([
    ['not JSON', '{"t":1,'],
    ['an empty line', ''],
    ['a number', 7],
    ['an array', [1]],
    ['null', null],
    ['no time', { ...cpu(), t: undefined }],
    ['a text as time', { ...cpu(), t: '5' }],
    [
      'an endless time',
      '{"t":1e999,"type":"cpu","intervalMs":1,"userMs":1,"systemMs":1,"mainThreadMs":1,"runQueueMs":1}',
    ],
    ['a missing field', { ...cpu(), userMs: undefined }],
    ['an inherited name as type', { t: 1, type: 'constructor' }],
    ['stacks that are no list', { ...stall(), stacks: {} }],
    ['a frame without file', { ...stall(), stacks: [{ ...stall().stacks[0], frames: [{ line: 1 }] }] }],
    ['an unknown kind', { ...stall(), kind: 'magic' }],
    ['a place that is text', { ...stall(), location: '/srv/app.js:1' }],
    ['a counter that is text', { t: 1, type: 'active-resources', total: 1, counts: { Timeout: 'many' } }],
  ])('skips and counts %s', (_, line) => {
    const [recording] = readRecording(tempFolder({ [FILE]: ndjson([header, line, cpu()]) }));
    expect(recording).toMatchObject({ skippedLines: 1, rows: [cpu()] });
  });

  test('a line of more than 4 MB is skipped, one that crosses read chunks is not', () => {
    const error = (length: number) => ({ t: 1, type: 'agent-error', message: 'é'.repeat(length / 2) });
    const [recording] = readRecording(tempFolder({ [FILE]: ndjson([header, error(5 << 20), error(3 << 20), cpu()]) }));
    expect(recording?.skippedLines).toBe(1);
    expect(recording?.rows[0]).toEqual(error(3 << 20));
    expect(recording?.rows[1]).toEqual(cpu());
  });

  test.each([
    ['a foreign JSON file', '{"name":"app","version":"1.0.0"}\n', 'not a recording'],
    ['a foreign file without newline', '{"nodes":[]}', 'not a recording'],
    ['a binary file', Buffer.from([0x89, 0x50, 0, 10, 0xff, 0xfe, 0, 0]), 'not a recording'],
    ['a long file without newline', Buffer.alloc(5 << 20, 65), 'not a recording'],
    ['an empty file', '', 'is empty'],
    ['a file cut off in the header', small.slice(0, 60), 'was cut off'],
    ['a newer major version', ndjson([{ ...header, major: 2 }]), 'Update evdiag'],
    ['a damaged header', ndjson([{ ...header, argv: 'node' }]), '"argv" is wrong'],
  ])('says what %s is', (_, content, words) => {
    const folder = tempFolder({ [FILE]: content });
    expect(() => readRecording(folder)).toThrow(InputError);
    expect(() => readRecording(folder)).toThrow(words);
  });

  test('says what is missing', () => {
    expect(() => readRecording('/nowhere/at/all')).toThrow('does not exist');
    expect(() => readRecording(tempFolder())).toThrow('it has no recording.ndjson');
    expect(() => readRecording('/dev/null')).toThrow('is a device, not a file');
    const folder = tempFolder();
    mkdirSync(join(folder, FILE));
    expect(() => readRecording(folder)).toThrow('is a folder, not a file');
  });

  test.skipIf(process.getuid?.() === 0)('says that permission is denied', () => {
    const folder = tempFolder({ [FILE]: small });
    chmodSync(join(folder, FILE), 0);
    expect(() => readRecording(folder)).toThrow('permission denied');
  });
});
