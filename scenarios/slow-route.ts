import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import { type Get, type Route, runIfMain, withServer } from './support.ts';
import type { Headline, Scenario } from './types.ts';

/** About 250 ms of additions. */
const NUMBERS = 1.5e8;
/** About 3 ms. */
const SLICE = NUMBERS / 100;

function index1Blocking(): string {
  let sum = 0;
  for (let i = 0; i < NUMBERS; i++) sum += i % 7; // guilty
  return String(sum);
}

async function index1Awaiting(): Promise<string> {
  let sum = 0;
  for (let from = 0; from < NUMBERS; from += SLICE) {
    sum += sumSlice(from, from + SLICE);
    await nextTurn();
  }
  return String(sum);
}

function sumSlice(from: number, to: number): number {
  let sum = 0;
  for (let i = from; i < to; i++) sum += i % 7;
  return sum;
}

/** The latency of `/index2`, asked for right behind `/index1`. */
async function measure(get: Get): Promise<Headline> {
  let slowestMs = 0;
  for (let i = 0; i < 4; i++) {
    const [, index2Ms] = await Promise.all([get('/index1'), get('/index2')]);
    slowestMs = Math.max(slowestMs, index2Ms);
    await delay(150);
  }
  return { what: 'the slowest /index2 beside /index1', value: slowestMs, unit: 'ms' };
}

const serve = (index1: Route) => withServer({ '/index1': index1, '/index2': () => 'quick' }, measure);

export const slowRoute: Scenario = {
  id: 'slow-route',
  title: 'One slow route freezes all others',
  description:
    '/index1 computes without ever returning to the event loop, so /index2, which does nothing, waits for it.',
  expect: [{ rule: 'blocked-event-loop', kind: 'js-cpu' }],
  broken: () => serve(index1Blocking),
  fixed: () => serve(index1Awaiting),
};

runIfMain(import.meta.url, slowRoute);
