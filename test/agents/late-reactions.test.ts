/** Results of then that the sample passed over, and which wait for long: followed from then on. */
import { expect, test } from 'vitest';
import { FollowedPromises } from '../../agents/agent/tracking/promises.ts';
import { createSites, type Site } from '../../agents/agent/tracking/sites.ts';
import { unasked } from '../../agents/guard.ts';

/** What waits is asked for after so many intervals. */
const INTERVALS = 6;

function reactTo(promise: Promise<void>): Promise<void> {
  return promise.then(() => {});
}

test('as many as wait, and those that stood for others stand for fewer', async () => {
  const sites = createSites();
  const followed = new FollowedPromises(sites, () => {}, unasked);
  const settle: (() => void)[] = [];
  const make = (): Promise<void> => new Promise((resolve) => void settle.push(resolve));
  const of = (): Site[] =>
    [...sites.all()].filter(({ what, frames }) => what === 'reaction' && frames.some(([name]) => name === 'reactTo'));
  const sum = (field: 'alive' | 'followed' | 'ended'): number => of().reduce((total, site) => total + site[field], 0);
  // So many at once that only some of them can be in the sample.
  followed.setBudget(0);
  for (let i = 0; i < 400; i++) void Promise.resolve().then(() => {});
  followed.adapt(250);
  followed.setBudget(1);
  followed.adapt(250);
  const waiting = Array.from({ length: 60 }, () => reactTo(make()));
  const inSample = sum('followed');
  expect(inSample).toBeLessThan(60);
  for (let i = 0; i < INTERVALS; i++) followed.adapt(250);
  expect(sum('followed')).toBeGreaterThan(inSample);
  expect(sum('followed')).toBeLessThanOrEqual(sum('alive'));
  for (const resolve of settle) resolve();
  await Promise.all(waiting);
  expect(sum('alive')).toBe(0);
  followed.stop();
});
