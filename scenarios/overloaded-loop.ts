import { logLine, type Route, runIfMain, steadyLoad, withServer } from './support.ts';
import type { Headline, Scenario } from './types.ts';

/** About 60 ms of callbacks per request, of about 0.04 ms each. */
const LINES = 1600;
const ROUNDS = 9000;
/** The fixed variant works for less than half of the time: what is left is for everybody else. */
const WORK_MS = 4;
const REST_MS = 7;

/** A check sum such as an index needs for one line of a log. */
function indexLine(i: number): number {
  const line = logLine(i);
  let sum = 0;
  for (let round = 0; round < ROUNDS; round++) sum = (sum * 31 + line.charCodeAt(round % line.length)) | 0; // guilty
  return sum;
}

/** One callback per line, all at once: the loop must run every one of them before it looks at a socket again. */
function indexAtOnce(): Promise<string> {
  let sum = 0;
  let left = LINES;
  return new Promise((resolve) => {
    const indexNext = (i: number) => {
      sum ^= indexLine(i); // guilty
      left--;
      if (left === 0) resolve(String(sum));
    };
    for (let i = 0; i < LINES; i++) setImmediate(indexNext, i); // guilty
  });
}

/** The same lines from a queue: a few milliseconds of work, then a rest. Who sends more waits for his answer, not the loop. */
function indexInTurns(): Promise<string> {
  let sum = 0;
  let i = 0;
  return new Promise((resolve) => {
    const workAndRest = () => {
      const endMs = performance.now() + WORK_MS;
      while (i < LINES && performance.now() < endMs) sum ^= indexLine(i++);
      if (i === LINES) resolve(String(sum));
      else setTimeout(workAndRest, REST_MS);
    };
    workAndRest();
  });
}

function serve(index: Route): Promise<Headline> {
  return withServer({ '/index': index }, async (get) => {
    const { requests, pingMs } = await steadyLoad(get, '/index', 10);
    return { what: `95 of 100 pings beside ${requests} requests to index ${LINES} lines`, value: pingMs, unit: 'ms' };
  });
}

export const overloadedLoop: Scenario = {
  id: 'overloaded-loop',
  title: 'More callbacks than the loop has time for',
  description:
    'Every request queues a thousand tiny callbacks; none of them is long, yet the loop never rests and all wait in line.',
  expect: [{ rule: 'overloaded-event-loop', kind: 'callbacks' }],
  broken: () => serve(indexAtOnce),
  fixed: () => serve(indexInTurns),
};

runIfMain(import.meta.url, overloadedLoop);
