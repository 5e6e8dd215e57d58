import { expect, test } from 'vitest';
import { starvedEventLoop } from '../../src/detectors/rules/starved-event-loop.ts';
import type { Row, RowOf } from '../../src/recording/types.ts';
import { asOldFormat, delayRow, find, frame, outcome, severities, stall } from '../support/recording.ts';

const PLACES = { drain: 20, handle: 12 };
/** A chain in which stacks hit this function, called by `run`. */
function chain(name: keyof typeof PLACES, fields: Partial<RowOf<'stall'>> = {}): RowOf<'stall'> {
  const frames = [frame(name, PLACES[name]), frame('run', 30)];
  const { category: _, ...location } = frames[0]!;
  const stacks = [{ weightMs: 200, kind: 'js-cpu' as const, frames, location }];
  return stall({ kind: 'js-cpu', durationMs: 200, chain: 'microtask', location, stacks, ...fields });
}

test('the function is the place, and the chain is told', () => {
  const [finding, ...others] = find(starvedEventLoop, [chain('drain', { durationMs: 400 })]);
  expect(others).toEqual([]);
  expect(finding).toMatchObject({
    rule: 'starved-event-loop',
    severity: 'warning',
    kind: 'microtask',
    message: 'A chain of promise reactions in drain kept timers and I/O waiting for 400 ms.',
    location: { file: '/srv/app.js', line: 20, function: 'drain' },
    stack: [{ function: 'drain' }, { function: 'run' }],
    count: 1,
    evidence: { maxMs: 400, totalMs: 400, chain: ['drain (/srv/app.js:20)', 'run (/srv/app.js:30)'] },
  });
});

test('chains through one function are one finding, whichever the stacks hit', () => {
  const [finding, ...others] = find(starvedEventLoop, [chain('drain'), chain('handle', { id: 2, durationMs: 300 })]);
  expect(others).toEqual([]);
  expect(finding).toMatchObject({ count: 2, location: { function: 'handle' }, evidence: { maxMs: 300, totalMs: 500 } });
  expect(finding?.message).toContain('2 times, up to 300 ms.');
});

test('ticks are another kind', () => {
  const other = stall({ id: 2, durationMs: 200, chain: 'nexttick', location: { ...frame('parse', 50) } });
  const findings = find(starvedEventLoop, [chain('drain'), other]);
  expect(findings.map(({ kind }) => kind)).toEqual(['microtask', 'nexttick']);
});

test('a chain of both is one finding, of the kind that most of the time was called by', () => {
  const longer = chain('drain', { id: 2, durationMs: 300, chain: 'nexttick' });
  expect(find(starvedEventLoop, [chain('drain'), longer])).toMatchObject([{ kind: 'nexttick', count: 2 }]);
});

const three = (fields: Partial<RowOf<'stall'>> = {}) => [1, 2, 3].map((id) => chain('drain', { id, ...fields }));
test.each([
  ['two short ones', ['info'], three().slice(1)],
  ['three short ones', ['warning'], three()],
  ['a quarter of a second', ['warning'], [chain('drain', { durationMs: 250 })]],
  ['a little less', ['info'], [chain('drain', { durationMs: 249 })]],
  ['a second', ['critical'], [chain('drain', { durationMs: 1000 })]],
  [
    'a second at start-up, a short one later',
    ['info'],
    [chain('drain', { durationMs: 3000, startup: true }), chain('drain')],
  ],
  ['start-up', ['info'], three({ durationMs: 3000, startup: true })],
  ['nothing waited', ['info'], three({ durationMs: 3000, waiting: 0 })],
  ['nobody knows what waited', ['info'], three({ durationMs: 3000, waiting: null })],
  [
    'a second, most of it waits for a core',
    ['info'],
    [chain('drain', { durationMs: 1100, cpuMs: 200, runQueueMs: 900 })],
  ],
  ['ran for less than a stall', [], three({ durationMs: 900, cpuMs: 60, runQueueMs: 300 })],
  ['waits for a core', [], three({ kind: 'host', durationMs: 3000, runQueueMs: 2900 })],
  ['a breakpoint', [], three({ durationMs: 3000, cpuMs: 20, debugger: true })],
  ['one long call', [], three({ durationMs: 3000, chain: null })],
  ['callbacks of the loop', [], three({ durationMs: 3000, chain: 'callbacks' })],
  ['a recording of format 1.0', [], asOldFormat(three({ durationMs: 3000 }))],
] as const)('%s: %j', (_what, expected, rows: readonly Row[]) => {
  expect(severities(starvedEventLoop, [...rows])).toEqual(expected);
});

test('one that had not ended when the process was killed is found by its last opening row', () => {
  const { location } = chain('drain');
  const open = {
    t: 3000,
    type: 'stall-open',
    id: 7,
    startMs: 1500,
    durationMs: 1500,
    kind: 'js-cpu',
    location,
  } as const;
  const rows: Row[] = [{ ...open, chain: 'microtask', waiting: 2 }];
  expect(find(starvedEventLoop, rows)).toMatchObject([{ severity: 'critical', location, stack: [] }]);
});

test('a chain whose place could not be seen is found without one', () => {
  const [finding] = find(starvedEventLoop, three({ location: null, stacks: [] }));
  expect(finding).toMatchObject({ severity: 'warning', location: null, evidence: { chain: [] } });
  expect(finding?.message).toMatch(/^A chain of promise reactions kept/);
});

test('no rows of delay and no stalls: no data', () => {
  expect(outcome(starvedEventLoop, [])).toBe('no-data');
  expect(outcome(starvedEventLoop, [delayRow(5)])).toBe('clear');
});
