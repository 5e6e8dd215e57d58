import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { type Get, type Route, runIfMain, withServer } from './support.ts';
import type { Headline, Scenario } from './types.ts';

const EVERY_MS = 20;
const LOAD_MS = 11_000;
/** A busy host takes longer for them. */
const LEAST_REQUESTS = 350;
const EXPIRES_MS = 3_600_000;
const ROWS = 5000;

interface Context {
  rows: { id: number; text: string }[];
}
const context = new AsyncLocalStorage<Context>();
const expiries = new Map<number, NodeJS.Timeout>();
let requests = 0;

type Remember = (id: number) => void;

function remember(id: number): void {
  const timer = setTimeout(() => expiries.delete(id), EXPIRES_MS); // guilty
  expiries.set(id, timer);
}

function rememberOutside(id: number): void {
  context.exit(() =>
    expiries.set(
      id,
      setTimeout(() => expiries.delete(id), EXPIRES_MS),
    ),
  );
}

/** Each request has its rows at hand, wherever it goes. */
function handler(keep: Remember): Route {
  return () => {
    const rows = Array.from({ length: ROWS }, (_, id) => ({ id, text: `row ${id} of ${requests}` }));
    return context.run({ rows }, () => {
      keep(requests++);
      return String(context.getStore()!.rows.length);
    });
  };
}

async function load(get: Get): Promise<Headline> {
  const startMs = performance.now();
  let slowestMs = 0;
  while (performance.now() - startMs < LOAD_MS || requests < LEAST_REQUESTS) {
    slowestMs = Math.max(slowestMs, await get('/rows'));
    await delay(EVERY_MS);
  }
  const megabytes = Math.round(process.memoryUsage().heapUsed / 1e6);
  const what = `the slowest of ${requests} requests, with ${megabytes} MB in use at the end,`;
  return { what, value: slowestMs, unit: 'ms' };
}

async function serve(keep: Remember): Promise<Headline> {
  const headline = await withServer({ '/rows': handler(keep) }, load);
  for (const timer of expiries.values()) clearTimeout(timer);
  return headline;
}

export const pinnedContext: Scenario = {
  id: 'pinned-context',
  title: 'A timer that keeps the context of its request',
  description:
    'Each request stores its rows in an AsyncLocalStorage, and sets a timer that forgets an entry of a cache an hour later. The timer ' +
    'keeps the context in which it was started, with all of the rows, for that hour.',
  expect: [{ rule: 'leak-suspect', kind: 'pinned-context' }],
  level: 'diagnose',
  broken: () => serve(remember),
  fixed: () => serve(rememberOutside),
};

runIfMain(import.meta.url, pinnedContext);
