import { expect, test, vi } from 'vitest';
import { followedPromise } from '../../agents/agent/tracking/floating.ts';
import type { Known } from '../../agents/agent/tracking/known-promise.ts';
import { type Awaiting, SerialRuns } from '../../agents/agent/tracking/serial-runs.ts';
import { SerialWalks } from '../../agents/agent/tracking/serial-walks.ts';
import { createSites } from '../../agents/agent/tracking/sites.ts';
import { createSensor } from '../../agents/guard.ts';
import type { RawFrame } from '../../agents/shared-memory.ts';

const at = (line: number): RawFrame => ['all', 'file:///srv/app.js', line, 3, 1];
const pending = () => new Promise<void>(() => {});

function program() {
  const serial = new SerialRuns();
  const known = new WeakMap<object, Known>();
  const asked: object[] = [];
  const lines = new Map<object, number>();
  const walks = new SerialWalks(serial, known, createSensor('test'), (promises) => {
    asked.push(...promises);
    return promises.map((promise) => [at(lines.get(promise) ?? 1)]);
  });
  walks.newInterval();
  const site = createSites().here('await', '', '', [at(5)])!;
  const first = followedPromise({ site, startMs: performance.now() - 100, weight: 20 }, {});
  return { serial, known, walks, asked, lines, first };
}

test('the next await of a call that is followed is located, though the sample passed over it', async () => {
  const { serial, known, walks, asked, lines, first } = program();
  let one: Awaiting = first;
  for (let i = 0; i < 3; i++) {
    const [made, awaited] = [{}, pending()];
    lines.set(awaited, 6);
    walks.wentOn(one, made, awaited);
    one = known.get(made)!.walked!;
    await vi.waitUntil(() => one.site !== null, { timeout: 60_000 });
    one.startMs -= 50;
  }
  walks.wentOn(one, null, null);
  expect(asked).toHaveLength(3);
  const [run, ...others] = serial.read([]);
  expect(others).toEqual([]);
  expect(run).toMatchObject({ runs: 1, steps: [{ count: 1 }, { count: 3, longest: { count: 3 } }] });
  expect(run!.steps.map(({ frame }) => frame[2])).toEqual([5, 6]);
});

test('what the sample has is not asked for, and neither is what is over by then', async () => {
  const { known, walks, asked, first } = program();
  const [made, over] = [{}, {}];
  const next = followedPromise({ site: first.site, startMs: 0, weight: 1 }, {});
  known.set(made, { own: next, walked: null, awaited: false, reactions: 0, onSettled: null });
  walks.wentOn(first, made, pending());
  expect(next.run).not.toBeNull();
  walks.wentOn(next, over, Promise.resolve());
  const last = known.get(over)!.walked!;
  const other = pending();
  walks.begins(first, other);
  await vi.waitUntil(() => asked.length > 0, { timeout: 60_000 });
  expect(asked).toEqual([other]);
  expect(last.site).toBeNull();
  expect(first.at).toEqual(at(1));
});
