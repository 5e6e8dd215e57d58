import { describe, expect, test } from 'vitest';
import type { RawSite, RawTracked } from '../../agents/tracked.ts';
import { createUnfinished } from '../../agents/watchdog/unfinished.ts';
import type { RawFrame } from '../../src/recording/source-maps.ts';
import type { Frame, UnfinishedEntry } from '../../src/recording/types.ts';

const toFrame = ([name, url, line, column, awaits]: RawFrame): Frame => ({
  function: name,
  file: url ?? '',
  line,
  column,
  category:
    url === null
      ? 'native'
      : url.startsWith('node:')
        ? 'node'
        : url.includes('node_modules')
          ? 'dependency'
          : 'application',
  ...(awaits === 1 && { awaits: true as const }),
});

const APP = '/nowhere/app.js';
const own = (line: number, name = 'handler', awaits: 0 | 1 = 0): RawFrame => [name, APP, line, 3, awaits];
const node = (url: string): RawFrame => ['internal', url, 1, 1];

function site(id: number, fields: Partial<RawSite> = {}): RawSite {
  const counts = {
    created: 3,
    ended: 1,
    lost: 0,
    alive: 2,
    followed: 2,
    peak: 2,
    floating: 0,
    rejected: 0,
    onOne: 0,
    referenced: 2,
  };
  const times = { endedMaxMs: 20, endedLeastMs: 10, usualMs: 16, slowMs: 16, endedSinceOldest: 1, oldestMs: 500 };
  return { id, what: 'handle', type: 'Timeout', detail: '', ...counts, ...times, madeBy: null, ...fields };
}

/** The entries of one row, of sites with their frames. */
function entriesOf(...sites: [RawSite, RawFrame[]][]): UnfinishedEntry[] {
  return rowOf(createUnfinished(toFrame), ...sites);
}

function rowOf(toRows: (tracked: RawTracked) => object[], ...sites: [RawSite, RawFrame[]][]): UnfinishedEntry[] {
  const figures = {
    intervalMs: 1000,
    trackedMs: 5000,
    seenShare: 1,
    pauses: 0,
    promises: 0,
    aborts: 0,
    inbound: 0,
    dropped: 0,
  };
  const unfinished: RawTracked['unfinished'] = {
    ...figures,
    sites: sites.map(([one]) => one),
    frames: sites.filter(([, frames]) => frames.length > 0).map(([{ id }, frames]) => [id, frames]),
    aborted: [],
    orphans: [],
    waiting: [],
    pools: [],
  };
  const [row] = toRows({ rejections: [], unfinished }) as { entries: UnfinishedEntry[] }[];
  return row!.entries;
}

test('the place is the innermost own frame, its callers follow, and Node’s modules above say by way of what', () => {
  const frames = [node('node:net'), node('node:internal/http'), node('node:_http_client'), own(12), own(40, 'route')];
  expect(entriesOf([site(1, { type: 'TCPWRAP' }), frames])).toMatchObject([
    { location: { file: APP, line: 12 }, callers: [{ line: 40, function: 'route' }], via: ['net', 'http'] },
  ]);
});

test('what a package made is at the own line that called it, with the package’s name', () => {
  const frames: RawFrame[] = [['query', '/srv/node_modules/pg/lib/client.js', 5, 1], own(12)];
  expect(entriesOf([site(1), frames])).toMatchObject([{ location: { line: 12 }, package: 'pg' }]);
});

describe('equal things together', () => {
  test('of one line, whoever called: counts are sums, times those of the worst', () => {
    const [entry, ...others] = entriesOf(
      [site(1, { alive: 5, oldestMs: 900, endedMaxMs: null, endedLeastMs: null }), [own(12), own(40, 'a')]],
      [site(2, { usualMs: 64, endedSinceOldest: 7 }), [own(12), own(50, 'b')]],
    );
    expect(others).toEqual([]);
    expect(entry).toMatchObject({ created: 6, ended: 2, alive: 7, referenced: 4, oldestMs: 900, endedSinceOldest: 7 });
    expect(entry).toMatchObject({ endedMaxMs: 20, endedLeastMs: 10, usualMs: 64 });
  });

  test('of another type, line or detail: not', () => {
    const entries = entriesOf(
      [site(1), [own(12)]],
      [site(2, { type: 'TCPWRAP' }), [own(12)]],
      [site(3, { detail: '30000 ms' }), [own(12)]],
      [site(4), [own(13)]],
    );
    expect(entries).toHaveLength(4);
  });

  test('listeners of one emitter are no sum: each emitter has its own', () => {
    const listener = { what: 'listener', type: 'emitter', detail: 'Socket data' } as const;
    const entries = entriesOf(
      [site(1, { ...listener, alive: 9 }), [own(12)]],
      [site(2, { ...listener, alive: 4 }), [own(12)]],
    );
    expect(entries).toMatchObject([{ alive: 9, created: 6 }]);
  });
});

test('whether a call had been suspended before: only its awaits below it, or nobody tells', () => {
  const resumed = (...frames: RawFrame[]) => entriesOf([site(1, { what: 'await', type: '' }), frames])[0]!.resumed;
  expect(resumed(own(12), own(40, 'route', 1))).toBe(true);
  expect(resumed(own(12), own(40, 'route'))).toBe(false);
  expect(resumed(own(12))).toBe(false);
  expect(resumed(own(12, 'handler', 1), own(40, 'route', 1))).toBeNull();
});

test('frames are told once: later rows know them', () => {
  const toRows = createUnfinished(toFrame);
  rowOf(toRows, [site(1), [own(12)]]);
  expect(rowOf(toRows, [site(1, { alive: 9 }), []])).toMatchObject([{ alive: 9, location: { line: 12 } }]);
});

test('who waits for whom: frames and their text once, without Node’s own, and what made the promise', () => {
  const waiting = {
    count: 3,
    oldestMs: 4000,
    frames: [own(12, 'inner', 1), node('node:internal/timers'), own(40, 'route', 1)],
    made: { what: 'promise', type: 'new', frames: [node('node:events'), own(7, 'make')] },
  };
  const counts = { promises: 0, aborts: 0, inbound: 0, dropped: 0 };
  const figures = { intervalMs: 1000, trackedMs: 5000, seenShare: 1, pauses: 0, ...counts };
  const unfinished = {
    ...figures,
    sites: [],
    frames: [],
    aborted: [],
    orphans: [],
    waiting: [waiting, { ...waiting, made: null }],
    pools: [],
  };
  expect(createUnfinished(toFrame)({ rejections: [], unfinished })).toMatchObject([
    { type: 'unfinished' },
    {
      type: 'waits',
      frames: [{ line: 12 }, { line: 40 }],
      codes: ['', ''],
      groups: [
        { count: 3, chain: [0, 1], made: { what: 'promise', type: 'new', via: ['events'], at: { line: 7 } } },
        { chain: [0, 1], made: null },
      ],
    },
  ]);
});

test('the function that is called is told with the call', () => {
  const call = site(1, { what: 'call', type: '', callee: own(50, 'load') });
  const [entry] = entriesOf([call, [own(12)]]);
  expect(entry).toMatchObject({ location: { line: 12 }, callee: { line: 50, function: 'load' } });
});

test('the most first, and no more than a row holds', () => {
  const sites = Array.from({ length: 80 }, (_, i): [RawSite, RawFrame[]] => [site(i + 1, { alive: i }), [own(i + 1)]]);
  const entries = entriesOf(...sites);
  expect([entries.length, entries[0]!.alive, entries.at(-1)!.alive]).toEqual([60, 79, 20]);
});

test('a rejection is where its error was made, as its text says', () => {
  const stack = `TypeError: no such thing\n    at find (file://${APP}:7:9)\n    at async route (${APP}:20:3)`;
  const rejection = { kind: 'fatal', count: 2, error: 'TypeError', stack, call: [own(20, 'route')] } as const;
  const rows = createUnfinished(toFrame)({
    rejections: [{ ...rejection, call: [...rejection.call] }],
    unfinished: null,
  });
  expect(rows).toMatchObject([
    { type: 'rejection', count: 2, location: { line: 7, function: 'find' }, call: { line: 20 } },
  ]);
});
