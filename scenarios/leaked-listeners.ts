import { EventEmitter, setMaxListeners } from 'node:events';
import { type Route, runIfMain, steadyLoad, withServer } from './support.ts';
import type { Headline, Scenario } from './types.ts';

const CLIENTS = 2;
const EVERY_MS = 50;
const CHANGE_MS = 10;

const bus = new EventEmitter();
const shutdown = new AbortController();
// Somebody was tired of the warning.
setMaxListeners(0, bus, shutdown.signal);

/** Answers with the next price, and goes on listening to all later ones. */
function priceLeaking(): Promise<string> {
  return new Promise((resolve, reject) => {
    bus.on('change', (cents: number) => resolve(String(cents))); // guilty
    shutdown.signal.addEventListener('abort', () => reject(shutdown.signal.reason)); // guilty
  });
}

async function price(): Promise<string> {
  let change = (_cents: number) => {};
  let stop = () => {};
  try {
    return await new Promise<string>((resolve, reject) => {
      change = (cents) => resolve(String(cents));
      stop = () => reject(shutdown.signal.reason);
      bus.on('change', change);
      shutdown.signal.addEventListener('abort', stop);
    });
  } finally {
    bus.off('change', change);
    shutdown.signal.removeEventListener('abort', stop);
  }
}

async function serve(route: Route): Promise<Headline> {
  let cents = 100;
  const market = setInterval(() => bus.emit('change', ++cents), CHANGE_MS);
  try {
    return await withServer({ '/price': route }, async (get) => {
      const { requests, pingMs } = await steadyLoad(get, '/price', EVERY_MS, CLIENTS);
      const what = `95 of 100 pings beside ${requests} prices, with ${bus.listenerCount('change')} listeners at the end,`;
      return { what, value: pingMs, unit: 'ms' };
    });
  } finally {
    clearInterval(market);
  }
}

export const leakedListeners: Scenario = {
  id: 'leaked-listeners',
  title: 'A listener more with every request',
  description:
    'Each request listens to a bus and to an abort signal that outlive it, and never stops: every event is told to all requests there ever were.',
  expect: [
    { rule: 'leaked-listeners', kind: 'emitter' },
    { rule: 'leaked-listeners', kind: 'abort-signal' },
  ],
  level: 'diagnose',
  broken: () => serve(priceLeaking),
  fixed: () => serve(price),
};

runIfMain(import.meta.url, leakedListeners);
