import { expect, test } from 'vitest';
import { asyncDeadlock } from '../../src/detectors/rules/async-deadlock.ts';
import type { Location, UnfinishedEntry } from '../../src/recording/types.ts';
import { find, tracked } from '../support/recording.ts';

type Fields = (n: number, t: number) => Partial<UnfinishedEntry>;

const at = (line: number, name: string, file = '/srv/app.js'): Location => ({ file, line, column: 5, function: name });
const tree = at(7, 'tree');
const child = at(6, 'child');
/** The function that `tree` hands to the limit. */
const body: Location = { ...at(7, ''), start: '7:28' };
const LIMIT = '/srv/node_modules/limit/index.js';
const run = at(44, 'run', LIMIT);
const enqueue = at(20, 'enqueue', LIMIT);
const made = (type: string) => ({ what: 'promise', type, via: [], location: child });
const queued = { what: 'reaction', type: 'then', ended: 4, usualMs: 64, madeBy: made('new') } as const;
const age = (n: number): Partial<UnfinishedEntry> => ({ oldestMs: n * 2000 - 500 });

/** Three functions run, each has asked for another slot, and outside more and more wait. */
const SHAPES: Record<'runs' | 'inner' | 'outer', Fields> = {
  runs: (n) => ({ what: 'call', location: run, callee: body, created: 7, ended: 4, usualMs: 64, alive: 3, ...age(n) }),
  inner: (n) => ({ ...queued, location: child, callers: [body], created: 7, alive: 3, ...age(n) }),
  outer: (n) => ({ ...queued, location: tree, created: 20 * n + 4, alive: 20 * n, ...age(n) }),
};
const asked =
  (location: Location): Fields =>
  () => ({
    ...{ what: 'call', location, callee: enqueue, created: 80, ended: 80, alive: 0, oldestMs: 0 },
  });

/** With other fields of some of them, and whatever else the limit runs. */
function nested(changed: Partial<Record<keyof typeof SHAPES, Fields>> = {}, ...more: Fields[]) {
  const shapes = Object.entries(SHAPES).map(
    ([name, fields]): Fields =>
      (n, t) => ({ ...fields(n, t), ...changed[name as keyof typeof SHAPES]?.(n, t) }),
  );
  const rows = tracked(6, ...shapes, asked(child), asked(tree), ...more);
  return find(asyncDeadlock, rows).filter(({ kind }) => kind === 'nested-limit');
}

test('functions that return what a limit gives them, within what the same limit runs', () => {
  expect(nested()).toMatchObject([
    {
      severity: 'critical',
      location: child,
      message:
        '3 × (anonymous) (/srv/app.js:7) hold a slot and wait for another one, asked for in child (/srv/app.js:6); ' +
        '117 more wait behind, the oldest for 11.5 s. None of them can go on.',
      evidence: { holding: 3, waiting: 117, resource: 'slot' },
    },
  ]);
});

const young: Fields = () => ({ oldestMs: 900 });
const handedOn: Fields = () => ({ madeBy: made('resolve') });
const other: Fields = (n) => ({
  what: 'call',
  location: run,
  callee: at(30, 'fetchAll'),
  alive: 1,
  oldestMs: n * 2000,
});

test.each<[string, ReturnType<typeof nested>]>([
  ['a helper that runs whatever it gets', nested({ runs: (n) => ({ created: 20 * n, alive: 20 * n - 4 }) })],
  ['a limit that ends what it runs', nested({ runs: (n) => ({ created: 7 + n, ended: 4 + n }) })],
  ['one that runs something else as well', nested({}, other)],
  ['functions that each call the next one', nested({ inner: handedOn, outer: handedOn })],
  ['one for which nobody else asks', nested({ outer: () => ({ created: 7, alive: 3 }) })],
  ['what has waited for a moment', nested({ runs: young, inner: young, outer: young })],
])('is not: %s', (_what, found) => {
  expect(found).toEqual([]);
});
