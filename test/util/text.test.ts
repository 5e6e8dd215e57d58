import { describe, expect, test } from 'vitest';
import { hasColor } from '../../src/util/terminal.ts';
import {
  closest,
  displayPath,
  formatBytes,
  formatCount,
  formatMs,
  formatNs,
  sparkline,
  stripControl,
  wrap,
} from '../../src/util/text.ts';

describe('text', () => {
  test.each([
    [0, '0 ms'],
    [0.123, '0.12 ms'],
    [4.56, '4.6 ms'],
    [412.3, '412 ms'],
    [999.6, '1 s'],
    [3020, '3.02 s'],
    [65_432, '65.4 s'],
    [320_000, '5 min 20 s'],
    [7_260_000, '2 h 1 min'],
    [Number.NaN, '?'],
  ])('formatMs(%d) is %s', (ms, text) => {
    expect(formatMs(ms)).toBe(text);
  });

  test.each([
    [2.31, '2.3 ns'],
    [412.3, '412 ns'],
    [999.6, '1 µs'],
    [1234, '1.2 µs'],
    [72_000, '72 µs'],
    [999_600, '1 ms'],
    [31_000_000, '31 ms'],
    [Number.NaN, '?'],
  ])('formatNs(%d) is %s', (ns, text) => {
    expect(formatNs(ns)).toBe(text);
  });

  test('formatCount groups thousands', () => {
    expect([0, 999, 1000, 1_234_567].map(formatCount)).toEqual(['0', '999', '1 000', '1 234 567']);
  });

  test('formats bytes', () => {
    expect([formatBytes(512), formatBytes(1536), formatBytes(500 * 2 ** 20)]).toEqual(['512 B', '1.5 KiB', '500 MiB']);
  });

  test('stripControl removes what steers a terminal and keeps words', () => {
    expect(stripControl('a\x1b[31mb\u202ec\nd\u009be é 漢')).toBe('a[31mbc de é 漢');
  });

  test('displayPath is relative within the working folder only', () => {
    expect(displayPath('/srv/app/x.js', '/srv/app')).toBe('x.js');
    expect(displayPath('/srv/app', '/srv/app')).toBe('.');
    expect(displayPath('/srv/..x/y.js', '/srv')).toBe('..x/y.js');
    expect(displayPath('/etc/x.js', '/srv/app')).toBe('/etc/x.js');
    expect(displayPath('node:fs', '/srv/app')).toBe('node:fs');
    // All paths lie under the root: that says nothing.
    expect(displayPath('/srv/app/x.js', '/')).toBe('/srv/app/x.js');
  });

  test('wrap keeps to the width, except for longer words', () => {
    expect(wrap('one two  three\nfour', 9)).toEqual(['one two', 'three', 'four']);
    expect(wrap('immeasurable a', 4)).toEqual(['immeasurable', 'a']);
    expect(wrap('', 4)).toEqual([]);
  });

  test('sparkline keeps the peak', () => {
    const points = Array.from({ length: 1000 }, (_, t) => ({ t, value: t === 500 ? 100 : 1 }));
    expect(sparkline(points, 1000, 10)).toBe('▁▁▁▁▁█▁▁▁▁');
    expect(sparkline([], 0, 3)).toBe('▁▁▁');
    // A bucket without a reading is no zero.
    expect(
      sparkline(
        [
          { t: 0, value: 8 },
          { t: 900, value: 8 },
        ],
        1000,
        4,
      ),
    ).toBe('████');
  });

  test('closest suggests near misses only', () => {
    expect(closest('growing-haep', ['growing-heap', 'gc-pause'])).toBe('growing-heap');
    expect(closest('zebra', ['growing-heap', 'gc-pause'])).toBeNull();
  });
});

describe('colour', () => {
  test.each([
    [{ isTTY: true }, {}, true],
    [{ isTTY: false }, {}, false],
    [{ isTTY: true }, { NO_COLOR: '1' }, false],
    [{ isTTY: true }, { NO_COLOR: '' }, true],
    [{ isTTY: false }, { FORCE_COLOR: '1' }, true],
    [{ isTTY: true }, { FORCE_COLOR: '0' }, false],
    [{ isTTY: true }, { TERM: 'dumb' }, false],
  ])('%j with %j: %s', (stream, env, expected) => {
    expect(hasColor(stream, env)).toBe(expected);
  });
});
