import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { runIfMain } from './support.ts';
import type { Headline, Scenario } from './types.ts';

const JOBS = 40;
const EVERY_MS = 50;

/** Knows its formats by name: code cannot be sent, a name can. */
const SOURCE = `
  const { parentPort } = require('node:worker_threads');
  const formats = { upper: (text) => text.toUpperCase() };
  parentPort.on('message', ({ text, format }) => {
    parentPort.postMessage(typeof format === 'function' ? format(text) : formats[format](text));
  });`;

type Send = (worker: Worker, text: string) => void;

/** A function is not data: structured clone throws a DataCloneError, here, and the worker never hears of the job. */
const sendFunction: Send = (worker, text) => {
  worker.postMessage({ text, format: (line: string) => line.toUpperCase() }); // guilty
};
const sendName: Send = (worker, text) => worker.postMessage({ text, format: 'upper' });

async function runJobs(send: Send): Promise<Headline> {
  const worker = new Worker(SOURCE, { eval: true });
  const failures = new Map<string, number>();
  let done = 0;
  const startMs = performance.now();
  for (let i = 0; i < JOBS; i++) {
    try {
      send(worker, `line ${i}`);
      await once(worker, 'message');
      done++;
    } catch (error) {
      const { name, message, stack } = error as Error;
      const site = /uncloneable-message\.\w+:\d+/.exec(stack ?? '')?.[0];
      const text = `${name}: ${message.split('\n')[0]} at ${site}`;
      failures.set(text, (failures.get(text) ?? 0) + 1);
    }
    await delay(EVERY_MS);
  }
  const tookMs = performance.now() - startMs;
  await worker.terminate();
  const why = [...failures].map(([text, count]) => `${count} times ${text}`).join(', ');
  return { what: `${JOBS} jobs, of which ${done} were done${why && ` (${why})`},`, value: tookMs, unit: 'ms' };
}

export const uncloneableMessage: Scenario = {
  id: 'uncloneable-message',
  title: 'A function sent to a worker thread',
  description:
    'A message to a worker has a function in it, which structured clone refuses: `postMessage` throws, the handler counts it, and no job is done. Shown by its own measurement: how many, and which line.',
  expect: [],
  broken: () => runJobs(sendFunction),
  fixed: () => runJobs(sendName),
};

runIfMain(import.meta.url, uncloneableMessage);
