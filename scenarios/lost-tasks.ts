import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Get, logLine, type Route, runIfMain, withServer, withTempDir } from './support.ts';
import type { Headline, Scenario } from './types.ts';

const CLIENTS = 4;
const PAUSE_MS = 15;
const RUN_MS = 6500;
const FLUSH_EVERY_MS = 60;
const LIMIT_MS = 70;
/** The picture that an order brings along is kept for a while, so that full collections are needed now and then. */
const PICTURE_BYTES = 1024 * 1024;
const RECENT = 30;

let entries: string[] = [];
const recent: Buffer[] = [];
let saved = 0;
let running = 0;

function enter(): void {
  const number = ++saved;
  recent.push(Buffer.alloc(PICTURE_BYTES));
  if (recent.length > RECENT) recent.shift();
  entries.push(logLine(number));
}

let wakeLast = () => {};

/** Whoever waited before is forgotten: nothing is left that could wake it. */
function flushForLast(): Promise<void> {
  return new Promise((resolve) => {
    wakeLast = resolve;
  });
}

async function saveLost(): Promise<string> {
  running++;
  try {
    enter();
    await flushForLast(); // guilty
    return 'saved';
  } finally {
    running--;
  }
}

let waiting: (() => void)[] = [];

async function saveKept(): Promise<string> {
  running++;
  try {
    enter();
    await new Promise<void>((resolve) => waiting.push(resolve));
    return 'saved';
  } finally {
    running--;
  }
}

function wakeAll(): void {
  const woken = waiting;
  waiting = [];
  for (const wake of woken) wake();
}

async function flushEvery(file: string, wake: () => void, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await delay(FLUSH_EVERY_MS);
    const lines = entries;
    entries = [];
    if (lines.length > 0) await appendFile(file, `${lines.join('\n')}\n`);
    wake();
  }
}

function serve(save: Route, wake: () => void): Promise<Headline> {
  return withTempDir((dir) =>
    withServer({ '/save': save }, async (get) => {
      const end = new AbortController();
      const flushed = flushEvery(join(dir, 'journal.log'), wake, end.signal);
      const slowestMs = await Promise.all(Array.from({ length: CLIENTS }, () => load(get)));
      end.abort();
      await flushed;
      const what = `the slowest of ${saved} saves, of which ${running} never came to their finally,`;
      return { what, value: Math.max(...slowestMs), unit: 'ms' };
    }),
  );
}

async function load(get: Get): Promise<number> {
  let slowestMs = 0;
  for (const endMs = performance.now() + RUN_MS; performance.now() < endMs; await delay(PAUSE_MS)) {
    slowestMs = Math.max(slowestMs, await get('/save'));
  }
  return slowestMs;
}

export const lostTasks: Scenario = {
  id: 'lost-tasks',
  title: 'Suspended calls that nobody can wake',
  description:
    'Calls wait for the next flush, but only the last of them is remembered: the others are collected as garbage, without their finally.',
  expect: [{ rule: 'lost-async', kind: 'collected' }],
  level: 'diagnose',
  broken: () =>
    serve(
      () => Promise.race([saveLost(), delay(LIMIT_MS, 'accepted')]),
      () => wakeLast(),
    ),
  fixed: () => serve(saveKept, wakeAll),
};

runIfMain(import.meta.url, lostTasks);
