import { expect, test } from 'vitest';
import { createSharedMemory, Word } from '../../agents/shared-memory.ts';
import { StallWork } from '../../agents/watchdog/stall/stall-work.ts';

const request = (id: number, name: string) => ({ work: { id, kind: 'request' as const, name } });

test('a stall is the work of what took most of it, whichever requests of the route that were', () => {
  const work = new StallWork();
  work.addStack(request(1, 'GET /a'), 40, false);
  work.addStack(request(2, 'GET /a'), 40, false);
  work.addStack(request(3, 'GET /b'), 60, false);
  expect(work.parts(null)).toEqual({ work: { kind: 'request', name: 'GET /a' } });
  expect(work.ids()).toEqual([1, 2, 3]);
});

test('it is nobody’s if most of it was not known to be anybody’s', () => {
  const work = new StallWork();
  work.addStack({}, 60, false);
  work.addStack(request(1, 'GET /a'), 40, false);
  expect(work.parts(null)).toEqual({});
});

test('a route that is known only afterwards replaces the path', () => {
  const work = new StallWork();
  work.addStack(request(1, 'GET /a/blue'), 40, false);
  const named = { kind: 'request' as const, name: 'GET /a/:colour' };
  const waited = [{ kind: 'request' as const, name: 'GET /b', count: 2 }];
  expect(work.parts({ names: [[1, named]], waited })).toEqual({ work: named, waited });
});

test('a native call is the work of whoever made it, not of what ran when it had returned', () => {
  const shared = createSharedMemory();
  shared.control[Word.SiteWork] = 7;
  const work = new StallWork();
  work.addMarked(shared, 100);
  work.addStack(request(8, 'GET /b'), 10, true);
  const named = { kind: 'request' as const, name: 'GET /a' };
  expect(work.parts({ names: [[7, named]], waited: [] })).toEqual({ work: named });
});
