import { expect, test } from 'vitest';
import { Upstreams } from '../../agents/agent/tracking/upstreams.ts';
import type { RawFrame } from '../../agents/shared-memory.ts';

const frames: RawFrame[] = [['ask', '/srv/app.js', 12, 3]];

test('answers are counted by origin, method and path, with ids folded', () => {
  const upstreams = new Upstreams();
  upstreams.resume();
  for (const [id, ms] of [30, 10, 20].entries()) {
    upstreams.answered(
      upstreams.of('http://shop:80', 'GET', `/orders/${1000 + id}?full=1`, id === 0 ? frames : null),
      ms,
    );
  }
  upstreams.answered(upstreams.of('http://shop:80', 'POST', '/orders', null), 5);
  const { upstreams: read } = upstreams.read();
  expect(read).toEqual([
    { origin: 'http://shop:80', operation: 'GET /orders/:id', frames, answers: 3, medianMs: 20 },
    { origin: 'http://shop:80', operation: 'POST /orders', frames: [], answers: 1, medianMs: 5 },
  ]);
  expect(upstreams.read().upstreams).toEqual([]);
});

test('what was not followed is not time that was seen', () => {
  const upstreams = new Upstreams();
  expect(upstreams.read().seenMs).toBe(0);
  upstreams.resume();
  upstreams.pause();
  const seen = upstreams.read().seenMs;
  expect(seen).toBeGreaterThanOrEqual(0);
  expect(upstreams.read().seenMs).toBe(0);
});

test('however many answers and operations there are, memory is bounded', () => {
  const upstreams = new Upstreams();
  const one = upstreams.of('http://shop:80', 'GET', '/', null);
  for (let i = 0; i < 10_000; i++) upstreams.answered(one, 7);
  expect(one!.times.length).toBeLessThan(100);
  const names = 'abcdefghijklmnopqrstuvwxyz'.split('').flatMap((a) => 'abcdefghij'.split('').map((b) => a + b));
  expect(
    names.map((name) => upstreams.of(`http://${name}`, 'GET', '/', null)).filter((found) => found === null),
  ).not.toEqual([]);
  const { upstreams: read } = upstreams.read();
  expect(read).toMatchObject([{ answers: 10_000, medianMs: 7 }]);
});
