import { join } from 'node:path';
import { expect, test } from 'vitest';
import { leaksOfRecording } from '../../src/cli/recording-leaks.ts';
import { leaksHtml } from '../../src/leaks/html.ts';
import { leaksMarkdown } from '../../src/leaks/markdown.ts';
import { leaksText } from '../../src/leaks/text.ts';
import type { Row } from '../../src/recording/types.ts';
import { painter } from '../../src/util/terminal.ts';
import { allocations, collections, header, location, ndjson, tempFolder } from '../support/recording.ts';

const leaksOf = (rows: readonly Row[]) =>
  leaksOfRecording(join(tempFolder({ 'out/recording.ndjson': ndjson([header, ...rows]) }), 'out'));
const text = (rows: readonly Row[]): string => leaksText(leaksOf(rows), { paint: painter(false), width: 100 });
const GROWING = collections([20, 26, 32, 38, 44, 50, 56, 62]);
const other = { ...location, line: 99, function: 'warm' };

test('what grows, who allocates it, and what else survives', () => {
  const rows = [...GROWING, allocations([{ aliveBytes: 40e6 }, { location: other, aliveBytes: 2e6 }])];
  const report = leaksOf(rows);
  expect(report).toMatchObject({
    input: 'recording',
    suspects: [
      { confidence: 'likely', place: { file: '/srv/app.js', line: 12 }, bytes: 40e6 },
      { confidence: 'possible', holder: 'what warm allocates', place: { line: 99 }, bytes: 2e6 },
    ],
  });
  expect(report.heap!.map(({ bytes }) => bytes / 1e6)).toEqual([20, 26, 32, 38, 44, 50, 56, 62]);
  expect(text(rows)).toMatch(
    /^2 things grow\.\nA recording of .*; old space after 8 major collections 19\.1 MiB → 59\.1 MiB {2}▁.*█\n/,
  );
  expect(text(rows)).toMatch(/grows by \d+ MiB per minute/);
  for (const render of [leaksHtml, leaksMarkdown]) expect(render(report)).toContain('/srv/app.js:12');
});

test('a heap that is large and stays so, with objects that are replaced', () => {
  const rows = [...collections([60, 61, 60, 59, 60, 61]), allocations([{ aliveBytes: 40e6, olderBytes: 0 }])];
  expect(leaksOf(rows).suspects).toEqual([]);
  expect(text(rows)).toMatch(/^Nothing grew like a leak\./);
});

test('a recording without collections says that it cannot tell', () => {
  expect(leaksOf([]).notes[0]).toBe('Too few major collections were seen to show a trend.');
});
