import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { FollowedListeners } from '../../agents/agent/tracking/listeners.ts';
import { createSites } from '../../agents/agent/tracking/sites.ts';
import { unasked } from '../../agents/guard.ts';

function subscribeAll(bus: EventEmitter, count: number): void {
  for (let i = 0; i < count; i++) bus.on('price', () => i);
}

function subscribe(bus: EventEmitter): void {
  bus.on('price', () => {});
}

/** From one line each time. */
function addTen(bus: EventEmitter): void {
  for (let i = 0; i < 10; i++) subscribe(bus);
}

test('the line that adds more is told from one that added many before', () => {
  const sites = createSites();
  const followed = new FollowedListeners(sites, () => {}, unasked);
  const bus = new EventEmitter().setMaxListeners(0);
  const addedBy = (name: string): number =>
    [...sites.all()]
      .filter(({ frames }) => frames.some(([frame]) => frame === name))
      .reduce((sum, { created }) => sum + created, 0);
  let before = { all: 0, one: 0 };
  subscribeAll(bus, 60);
  for (let row = 0; row < 4; row++) {
    followed.check();
    addTen(bus);
    followed.check();
    if (row === 0) before = { all: addedBy('subscribeAll'), one: addedBy('subscribe') };
  }
  expect(addedBy('subscribe') - before.one).toBe(30);
  expect(addedBy('subscribeAll') - before.all).toBe(0);
  followed.stop();
});
