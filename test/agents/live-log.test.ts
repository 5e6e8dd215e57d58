import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createLiveLog, type LiveStall, liveLine } from '../../agents/watchdog/stall/live-log.ts';

const location = { file: join(process.cwd(), 'src/app.ts'), line: 12, column: 3, function: 'handler' };
const stall: LiveStall = { durationMs: 512.4, kind: 'js-cpu', location, call: null, waiting: 1, chain: null };

describe('the line', () => {
  test.each([
    ['js-cpu', stall, 'js-cpu · handler (src/app.ts:12:3)'],
    [
      'a marked call',
      { ...stall, kind: 'sync-fs', call: 'fs.readFileSync' },
      'sync-fs fs.readFileSync · handler (src/app.ts:12:3)',
    ],
    ['a call, no kind', { ...stall, kind: null, call: 'fs.cpSync' }, 'native fs.cpSync · handler (src/app.ts:12:3)'],
    [
      'no place',
      { ...stall, kind: null, location: null },
      'native call · place not known until the native call returns',
    ],
    ['no name', { ...stall, location: { ...location, function: '' } }, 'js-cpu · (anonymous) (src/app.ts:12:3)'],
    ['elsewhere', { ...stall, location: { ...location, file: '/else/a.js' } }, 'js-cpu · handler (/else/a.js:12:3)'],
  ] satisfies [string, LiveStall, string][])('%s', (_, each, expected) => {
    expect(liveLine(each)).toBe(`evdiag: event loop blocked for 512 ms so far · ${expected}`);
  });

  test('carries no control characters of the program’s names', () => {
    const hostile = { ...location, function: 'a\u001b[2J\nb', file: '/x\r\n/y.js' };
    expect(liveLine({ ...stall, location: hostile })).not.toMatch(/[\u0000-\u001f\u007f]/);
  });
});

describe('a place', () => {
  function told(...moments: [now: number, stall: LiveStall][]): number {
    let now = 0;
    const lines: string[] = [];
    const log = createLiveLog(
      () => now,
      (line) => lines.push(line),
    );
    for (const [at, each] of moments) {
      now = at;
      log(each);
    }
    return lines.length;
  }

  test('is told once in ten seconds', () => {
    expect(told([0, stall], [9_999, stall])).toBe(1);
    expect(told([0, stall], [9_999, stall], [10_000, stall])).toBe(2);
  });

  test('is known by kind, file and line', () => {
    expect(told([0, stall], [1, { ...stall, kind: 'json' }])).toBe(2);
    expect(told([0, stall], [1, { ...stall, location: { ...location, line: 13 } }])).toBe(2);
    expect(told([0, stall], [1, { ...stall, location: { ...location, column: 9 }, durationMs: 9 }])).toBe(1);
  });

  test('is not told once so much was said that an unread pipe could fill', () => {
    const lines: string[] = [];
    const log = createLiveLog(
      () => 0,
      (line) => lines.push(line),
    );
    for (let line = 1; line <= 5000; line++) log({ ...stall, location: { ...location, line } });
    expect(lines.join('\n').length).toBeLessThan(60_000);
    expect(lines.at(-1)).toBe('evdiag: no more live lines; the recording has all stalls');
    expect(lines.filter((line) => line.includes('no more'))).toHaveLength(1);
  });
});
