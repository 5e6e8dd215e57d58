import { expect, test } from 'vitest';
import { blockedEventLoop } from '../../src/detectors/rules/blocked-event-loop.ts';
import type { Frame, StallKind, StallStack } from '../../src/recording/types.ts';
import { find, frame, stall } from '../support/recording.ts';

const own = frame('handler', 12);
const node = (name: string, file: string): Frame => frame(name, 5, { file, category: 'node' });
const builtIn = (name: string): Frame => frame(name, 0, { file: '', category: 'native' });
const ofPackage = (path: string): Frame =>
  frame('parse', 9, { file: `/srv/node_modules/${path}`, category: 'dependency' });
const { category: _, ...location } = own;

function stackOf(above: Frame[], weightMs = 100, fields: Partial<StallStack> = {}): StallStack {
  return { weightMs, count: 3, kind: 'js-cpu', frames: [...above, own], location, ...fields };
}

function told(stacks: StallStack[], kind: StallKind = 'js-cpu') {
  const [finding] = find(blockedEventLoop, [
    stall({ kind, durationMs: 400, cpuMs: 400, runQueueMs: 0, location, stacks }),
  ]);
  return { message: finding!.message, remedy: finding!.remedy };
}

const MAPS = node('findEntry', 'node:internal/source_map/source_map');
test.each([
  ['a formatter per row', [builtIn('Intl.NumberFormat')], 'Intl.NumberFormat, which makes', 'Make one formatter'],
  ['a date', [builtIn('Date.toLocaleDateString')], 'Date.toLocaleDateString', 'Make one formatter'],
  ['a comparison', [builtIn('String.localeCompare')], 'String.localeCompare', 'Intl.Collator'],
  [
    'a text in its case',
    [builtIn('String.toLocaleUpperCase')],
    'by calls of String.toLocaleUpperCase',
    'once for each',
  ],
  ['stacks through maps', [builtIn('Array.map'), MAPS], 'source maps', '--enable-source-maps'],
  ['a package that maps them', [ofPackage('source-map-support/source-map-support.js')], 'source maps', 'Do not read'],
  ['stacks', [node('prepareStackTraceCallback', 'node:internal/errors')], 'written out', 'Do not read'],
  ['hooks', [node('promiseInitHook', 'node:internal/async_hooks')], 'async hooks', 'AsyncLocalStorage'],
  ['stores', [node('run', 'node:internal/async_local_storage/async_hooks')], 'async hooks', 'AsyncLocalStorage'],
  ['none', [], 'JavaScript computation', 'worker thread'],
  ['a hook below', [builtIn('Array.map'), node('run', 'node:async_hooks')], 'JavaScript computation', 'worker thread'],
] as const)('%s', (_what, above, title, remedy) => {
  const words = told([stackOf([...above])]);
  expect(words.message).toContain(title);
  expect(words.remedy).toContain(remedy);
});

test.each([
  ['seen once', [stackOf([builtIn('Intl.Collator')], 300, { count: 1 })]],
  ['the smaller part of the time', [stackOf([builtIn('Intl.Collator')], 100), stackOf([], 200)]],
])('what is %s has no name', (_what, stacks) => {
  expect(told(stacks).message).toContain('JavaScript computation');
});

test('the place is the line of the call, not where the next one begins', () => {
  const beginning = { ...location, line: 11 };
  const begins = { ...own, line: 11 };
  const stacks = [
    stackOf([builtIn('Intl.Collator')], 300),
    stackOf([], 250, { frames: [begins], location: beginning }),
  ];
  const row = stall({ kind: 'js-cpu', durationMs: 400, cpuMs: 400, runQueueMs: 0, location: beginning, stacks });
  expect(find(blockedEventLoop, [row])).toMatchObject([
    { location: { line: 12 }, evidence: { call: 'Intl.Collator' } },
  ]);
});

test('one stack within source maps tells what the others wait for', () => {
  const written = node('prepareStackTraceCallback', 'node:internal/errors');
  expect(told([stackOf([written], 300), stackOf([MAPS, written], 20)]).message).toContain('source maps');
});

test('the pattern of a package is not the user’s to rewrite', () => {
  const stacks = (file: string) => [stackOf([builtIn('RegExp.test'), ofPackage(file)], 300, { kind: 'regexp' })];
  expect(told(stacks('zod/v4/core/regexes.js'), 'regexp').remedy).toMatch(/^The pattern belongs to zod: update/);
  expect(told(stacks('@scope/name/lib/a.js'), 'regexp').remedy).toContain('to @scope/name:');
  const mine = [stackOf([builtIn('RegExp.test')], 300, { kind: 'regexp' })];
  expect(told(mine, 'regexp').remedy).toMatch(/^Rewrite the pattern/);
});
