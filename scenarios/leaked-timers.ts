import { setTimeout as delay } from 'node:timers/promises';
import { type Route, runIfMain, steadyLoad, withServer } from './support.ts';
import type { Headline, Scenario } from './types.ts';

const CLIENTS = 2;
const EVERY_MS = 50;
const PACKING_MS = 15;
const HEARTBEAT_MS = 1000;

/** When the lease of each order was last renewed. */
const leases = new Map<number, number>();
const heartbeats = new Set<NodeJS.Timeout>();
let orders = 0;

/** The lease of an order that was packed long ago is renewed every second. */
async function packLeaking(): Promise<string> {
  const order = ++orders;
  const heartbeat = setInterval(() => leases.set(order, performance.now()), HEARTBEAT_MS); // guilty
  heartbeats.add(heartbeat);
  await delay(PACKING_MS);
  return 'packed';
}

async function pack(): Promise<string> {
  const order = ++orders;
  const heartbeat = setInterval(() => leases.set(order, performance.now()), HEARTBEAT_MS);
  heartbeats.add(heartbeat);
  try {
    await delay(PACKING_MS);
    return 'packed';
  } finally {
    clearInterval(heartbeat);
    heartbeats.delete(heartbeat);
    leases.delete(order);
  }
}

async function serve(route: Route): Promise<Headline> {
  try {
    return await withServer({ '/pack': route }, async (get) => {
      const { requests, pingMs } = await steadyLoad(get, '/pack', EVERY_MS, CLIENTS);
      const what = `95 of 100 pings beside ${requests} orders, with ${heartbeats.size} heartbeats at the end,`;
      return { what, value: pingMs, unit: 'ms' };
    });
  } finally {
    // Only so that the process can end.
    for (const heartbeat of heartbeats) clearInterval(heartbeat);
  }
}

export const leakedTimers: Scenario = {
  id: 'leaked-timers',
  title: 'A heartbeat that outlives its request',
  description: 'Each request starts an interval and never clears it, so it beats for all requests there ever were.',
  expect: [{ rule: 'leaked-handles', kind: 'timers' }],
  level: 'diagnose',
  broken: () => serve(packLeaking),
  fixed: () => serve(pack),
};

runIfMain(import.meta.url, leakedTimers);
