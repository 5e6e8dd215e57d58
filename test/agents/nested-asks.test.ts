import { expect, test } from 'vitest';
import type { RawSite } from '../../agents/tracked.ts';
import { nestedAsks } from '../../agents/watchdog/nested-asks.ts';
import type { Frame } from '../../src/recording/types.ts';

const APP = '/srv/app.js';
const LIMIT = '/srv/limit.js';
const PACKAGE = '/srv/node_modules/limit/index.js';

const at = (file: string, line: number, column: number, name: string, start?: string): Frame => ({
  ...{ file, line, column, function: name, category: file === PACKAGE ? 'dependency' : 'application' },
  ...(start !== undefined && { start }),
});

/** Promises of one site wait; `made` are the frames of what made them. */
function row(...waiting: { alive: number; ended?: number; made: Frame[]; unknown?: boolean }[]) {
  const ways = new Map<number, Frame[]>();
  const sites = waiting.map(({ alive, ended = 0, made, unknown = false }, i): RawSite => {
    ways.set(i, made.slice(made.findIndex(({ file }) => file === APP)));
    ways.set(100 + i, made);
    return {
      ...{ id: i, what: 'reaction', type: 'then', detail: '', created: alive + ended, ended, alive, followed: alive },
      ...{ lost: 0, peak: alive, endedMaxMs: null, endedLeastMs: null, usualMs: 32, slowMs: null, onOne: 1 },
      ...{ endedSinceOldest: 0, floating: 0, rejected: 0, referenced: 0, oldestMs: 4000 },
      madeBy: unknown ? null : { id: 100 + i, what: 'promise', type: 'new' },
    };
  });
  return nestedAsks(sites, (id) => ways.get(id));
}

const handler = at(APP, 30, 5, 'handler');
const outer = at(APP, 20, 10, 'product');
/** Handed over on line 20, where `product` asks the limit. */
const body = at(APP, 21, 12, '', '20:16');
const inner = at(APP, 10, 8, 'part');

test.each([
  ['in a function that is written where others ask', LIMIT, [inner, body]],
  ['in a function below which the limit is again', PACKAGE, [inner, body, at(PACKAGE, 40, 3, 'run')]],
])('a limit is asked within what it runs: %s', (_how, file, way) => {
  const acquire = at(file, 5, 10, 'limit');
  expect(row({ alive: 90, made: [acquire, outer, handler] }, { alive: 3, made: [acquire, ...way] })).toMatchObject([
    {
      limit: { file, line: 5 },
      holder: { file: APP, line: 21 },
      inner: { file: APP, line: 10 },
      within: { created: 3, ended: 0 },
      others: { created: 90, ended: 0, usualMs: 32 },
    },
  ]);
});

test('of a package that makes its promises by another one, the limit is what the program calls', () => {
  const made = [at('/srv/node_modules/helper/index.js', 9, 2, 'awaiter'), at(PACKAGE, 5, 10, 'runExclusive')].map(
    (frame): Frame => ({ ...frame, category: 'dependency' }),
  );
  const rows = row({ alive: 90, made: [...made, outer, handler] }, { alive: 3, made: [...made, inner, body] });
  expect(rows).toMatchObject([{ limit: { file: PACKAGE }, holder: { line: 21 }, inner: { line: 10 } }]);
});

test('what made a promise that was not followed is known from others at the same place', () => {
  const acquire = at(LIMIT, 5, 10, 'limit');
  const direct = { alive: 0, ended: 9, made: [acquire, inner] };
  const waiting = { alive: 3, made: [acquire, inner, body], unknown: true };
  const others = { alive: 90, made: [acquire, outer, handler] };
  expect(row(others, direct, waiting)).toMatchObject([{ holder: { line: 21 }, within: { created: 3 } }]);
  expect(row(others, waiting)).toEqual([]);
});

const acquire = at(LIMIT, 5, 10, 'limit');

test.each([
  ['who asks in one function after the other', [acquire, inner, handler]],
  ['in a minified file, where all functions begin on one line', [acquire, inner, at(APP, 21, 12, '', '20:9000')]],
  ['where only one function asks', null],
])('it is not: %s', (_how, way) => {
  expect(row({ alive: 90, made: [acquire, outer, handler] }, ...(way ? [{ alive: 3, made: way }] : []))).toEqual([]);
});

test('what is settled inside is not told', () => {
  expect(row({ alive: 90, made: [acquire, outer] }, { alive: 0, ended: 12, made: [acquire, inner, body] })).toEqual([]);
});
