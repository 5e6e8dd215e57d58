import { EventEmitter } from 'node:events';
import { promiseHooks } from 'node:v8';
import { describe, expect, test } from 'vitest';
import { FollowedHandles } from '../../agents/agent/tracking/handles.ts';
import { FollowedPromises } from '../../agents/agent/tracking/promises.ts';
import { createSites } from '../../agents/agent/tracking/sites.ts';
import { switchMethod } from '../../agents/agent/tracking/wrap.ts';
import { unasked } from '../../agents/guard.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Sums of all sites of a sort, without what the test itself awaits. */
function sums(sites: ReturnType<typeof createSites>, what: string, type = '') {
  const of = [...sites.all()].filter(
    (site) => site.what === what && site.type === type && (what !== 'await' || site.frames[0]?.[0] === 'wait'),
  );
  const sum = (field: 'alive' | 'ended' | 'lost' | 'floating'): number =>
    of.reduce((total, site) => total + site[field], 0);
  return { alive: sum('alive'), ended: sum('ended'), lost: sum('lost'), floating: sum('floating') };
}

describe('what is open when a pause begins', () => {
  test('counts as ended where it settled meanwhile, and as alive where it waits still', async () => {
    const sites = createSites();
    const followed = new FollowedPromises(sites, () => {}, unasked);
    const settle: (() => void)[] = [];
    const wait = async (): Promise<void> => {
      await new Promise<void>((resolve) => settle.push(resolve));
    };
    for (let i = 0; i < 10; i++) void wait();
    followed.pause();
    expect(sums(sites, 'await')).toMatchObject({ alive: 10, ended: 0 });
    for (const resolve of settle.splice(0, 6)) resolve();
    await turn();
    // Nobody has looked since.
    expect(sums(sites, 'await')).toMatchObject({ alive: 10 });
    followed.verify();
    expect(sums(sites, 'await')).toMatchObject({ alive: 4, ended: 6, lost: 0 });
    // One that ends while it is seen again is not counted twice.
    followed.resume();
    for (const resolve of settle.splice(0, 1)) resolve();
    await turn();
    expect(sums(sites, 'await')).toMatchObject({ alive: 3, ended: 7 });
    followed.stop();
    for (const resolve of settle) resolve();
  });

  test('is not told as dropped by its caller, who may have asked for it in the pause', async () => {
    const sites = createSites();
    const followed = new FollowedPromises(sites, () => {}, unasked);
    let settle = (): void => {};
    const call = async (): Promise<void> => {
      await new Promise<void>((resolve) => {
        settle = resolve;
      });
    };
    const result = call();
    followed.pause();
    const asked = result.then(() => {});
    followed.verify();
    followed.resume();
    settle();
    await asked;
    followed.adapt(250);
    followed.check();
    expect(sums(sites, 'call').floating).toBe(0);
    followed.stop();
  });

  test('timers: those that were cleared or have fired are gone, the others are there', async () => {
    const sites = createSites();
    const options = { currentScope: () => null, onScoped() {}, onMade() {} };
    const followed = new FollowedHandles(sites, options);
    const open = Array.from({ length: 8 }, () => setTimeout(() => {}, 1e8));
    const fired = new Promise<void>((resolve) => setTimeout(resolve, 1));
    followed.pause();
    for (const timer of open.splice(0, 5)) clearTimeout(timer);
    await fired;
    followed.verify();
    expect(sums(sites, 'handle', 'Timeout')).toMatchObject({ alive: 3, ended: 6 });
    followed.resume();
    followed.stop();
    for (const timer of open) clearTimeout(timer);
  });
});

test('the promise hooks of the program go on in a pause', async () => {
  let seen = 0;
  const stop = promiseHooks.onInit(() => {
    seen++;
  });
  const followed = new FollowedPromises(createSites(), () => {}, unasked);
  const handles = new FollowedHandles(createSites(), { currentScope: () => null, onScoped() {}, onMade() {} });
  handles.pause();
  followed.pause();
  await turn();
  const before = seen;
  await turn();
  stop();
  expect(seen).toBeGreaterThan(before);
  followed.stop();
  handles.stop();
});

describe('a wrapper that is put in and taken out', () => {
  class Own extends EventEmitter {
    override on(name: string, listener: () => void): this {
      return super.on(name, listener);
    }
  }
  const add = (): EventEmitter => new Own().on('x', () => {});

  test('leaves what was there, each time', () => {
    const { on } = Own.prototype;
    let calls = 0;
    const wrapped = switchMethod(Own.prototype, 'on', () => calls++);
    for (let i = 0; i < 3; i++) {
      wrapped.on();
      expect(Own.prototype.on).not.toBe(on);
      add();
      wrapped.off();
      expect(Own.prototype.on).toBe(on);
      add();
    }
    expect(calls).toBe(3);
  });

  test('stays beneath what others put on it, once, and is quiet while it is off', () => {
    let [ours, theirs] = [0, 0];
    const wrapped = switchMethod(Own.prototype, 'on', () => ours++);
    wrapped.on();
    const below = Own.prototype.on;
    const above = function (this: Own, name: string, listener: () => void) {
      theirs++;
      return below.call(this, name, listener) as Own;
    };
    Own.prototype.on = above;
    for (let i = 0; i < 3; i++) {
      wrapped.off();
      add();
      wrapped.on();
      expect(Own.prototype.on).toBe(above);
      add();
    }
    expect([ours, theirs]).toEqual([3, 6]);
  });
});
