import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { fileWritesLab } from '../../src/lab/file-writes.ts';
import type { LabResult } from '../../src/lab/types.ts';
import { figureOf } from '../../src/lab/ways.ts';

describe('file-writes', () => {
  let result: LabResult;
  const folder = mkdtempSync(join(tmpdir(), 'evdiag-test-'));

  beforeAll(async () => {
    vi.stubEnv('TMPDIR', folder);
    result = await fileWritesLab({ lines: 3000, rounds: 3 }).run(() => {});
  });
  afterAll(() => {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true });
  });

  test('all of it could be measured', () => {
    expect(result.gaps).toEqual([]);
    expect(result.rows.map(({ id }) => id)).toEqual([
      'awaited-append',
      'awaited-write',
      'sync-write',
      'stream',
      'one-write',
    ]);
    for (const { figures } of result.rows) expect(figures.resultCount).toBe(3000);
  });

  // By CPU time, which other processes of the machine do not change much: each is ten times wider.
  test.each([
    ['one-write', 'awaited-write'],
    ['one-write', 'awaited-append'],
  ])('%s takes less than %s', (less, more) => {
    expect(figureOf(result.rows, less, 'cpuMs') * 2).toBeLessThan(figureOf(result.rows, more, 'cpuMs'));
  });

  test('what follows has the figures of the field report beside', () => {
    expect(result.conclusions).toEqual([
      expect.stringContaining('1.2 s against 0.05 s'),
      expect.stringContaining('writeSync blocks'),
    ]);
  });

  test('leaves no file', () => {
    expect(readdirSync(folder)).toEqual([]);
  });
});
