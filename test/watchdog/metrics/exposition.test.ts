import { expect, test } from 'vitest';
import { exposition } from '../../../agents/watchdog/metrics/exposition.ts';
import { Buckets, byLabel, counter, gauge, neverFalling } from '../../../agents/watchdog/metrics/families.ts';
import { metricValue, readExposition } from '../../support/exposition.ts';

test('hostile values of labels and help come back as they were', () => {
  const names = ['a"b', 'back\\slash', 'line\nbreak', '\\n', '}', '{x="1"} 2', 'ä€😀', '__proto__', ''];
  const text = exposition([
    gauge(
      'm',
      'help \\ with\nlines "quoted"',
      byLabel(
        'name',
        names.map((name, i) => [name, i] as const),
      ),
    ),
  ]);
  const family = readExposition(text).get('m')!;
  expect(family.help).toBe('help \\ with\nlines "quoted"');
  expect(family.samples.map(({ labels }) => labels.name)).toEqual(names);
  expect(text.split('\n')).toHaveLength(names.length + 3);
});

test('a long value is cut, and half a character does not stay', () => {
  const text = exposition([gauge('m', 'h', byLabel('name', [[`${'x'.repeat(199)}😀`, 1]]))]);
  expect(Buffer.from(text).toString()).toBe(text);
  expect(text.length).toBeLessThan(300);
});

test('numbers that JavaScript writes in its own way', () => {
  const values = [0, -0, 1e21, 1e-7, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  const text = exposition(values.map((value, i) => gauge(`m${i}`, 'h', value)));
  expect(text.match(/^m\d .*$/gm)).toEqual(['m0 0', 'm1 0', 'm2 1e+21', 'm3 1e-7', 'm4 NaN', 'm5 +Inf', 'm6 -Inf']);
  readExposition(text);
});

test('what is not known is absent', () => {
  expect(exposition([gauge('a', 'h', null), counter('b', 'h', [])])).toBe('');
});

test('buckets are cumulative, and what is on a bound is below it', () => {
  const buckets = new Buckets([1, 2]);
  for (const value of [0.5, 1, 1.5, 3]) buckets.add(value);
  const families = readExposition(
    exposition([{ name: 'h', help: 'h', type: 'histogram', samples: buckets.samples() }]),
  );
  const at = (le: string) => metricValue(families, 'h_bucket', { le });
  expect([at('1'), at('2'), at('+Inf'), metricValue(families, 'h_count'), metricValue(families, 'h_sum')]).toEqual([
    2, 3, 4, 4, 6,
  ]);
});

test('a counter of what is still on does not fall where the end turns out shorter', () => {
  const total = neverFalling();
  expect([total(5), total(4.9), total(5.2)]).toEqual([5, 5, 5.2]);
});

test('too many series of one metric are cut', () => {
  const series = Array.from({ length: 5000 }, (_, i) => [String(i), i] as const);
  expect(exposition([gauge('m', 'h', byLabel('i', series))]).split('\n').length).toBeLessThan(1100);
});
