import { formatCount, formatMs, formatNs } from '../util/text.ts';
import { type Case, measure } from './measure.ts';
import { type Peer, startChild, startWorker } from './peers.ts';
import type { Lab, LabRow } from './types.ts';

/** The batch of the scenario in which nothing but awaiting is done. */
const AWAITS = 100_000;
/** Deep enough that the cost of the loop around it does not matter, and far from the end of the stack. */
const CALL_DEPTH = 100;

export const switchCost: Lab = {
  id: 'switch-cost',
  title: 'what one switch costs, from a function call to a child process',
  description:
    'Each way to let other code run is done over and over, one at a time. A function call is one that V8 does not inline; a round trip is a number sent and answered; a start lasts until the first answer.',
  seconds: 5,
  columns: [
    {
      ...{ key: 'medianNs', heading: 'per switch', unit: 'ns' },
      spread: { low: 'p10Ns', high: 'p90Ns', heading: 'p10–p90' },
    },
  ],
  baseline: { id: 'function-call', heading: '× call' },
  async run(progress) {
    const measured = await measure(makeCases(), progress);
    return { ...measured, conclusions: conclude(measured.rows) };
  },
};

function makeCases(): Case[] {
  return [
    { id: 'function-call', title: 'function call', repeat: callFunctions },
    { id: 'await-value', title: 'await of a value', repeat: awaitValues },
    { id: 'await-async-call', title: 'await of an async call', repeat: awaitAsyncCalls },
    { id: 'next-tick', title: 'process.nextTick', repeat: chain((next) => process.nextTick(next)) },
    { id: 'queue-microtask', title: 'queueMicrotask', repeat: chain((next) => queueMicrotask(next)) },
    { id: 'set-immediate', title: 'setImmediate', repeat: chain((next) => void setImmediate(next)) },
    { id: 'set-timeout-0', title: 'setTimeout 0', repeat: chain((next) => void setTimeout(next, 0)) },
    roundTripCase('worker-round-trip', 'worker round trip', startWorker),
    roundTripCase('child-round-trip', 'child round trip', startChild),
    startCase('worker-start', 'worker start', startWorker),
    startCase('child-start', 'child start', startChild),
  ];
}

// The sums below grow by what is called or awaited, and measure() checks them: nothing can be optimised away.

/** V8 inlines small functions, which leaves no call to measure, but not a function into itself. */
function callDown(depth: number): number {
  return depth === 1 ? 1 : callDown(depth - 1) + 1;
}

function callFunctions(count: number): number {
  let sum = 0;
  while (sum < count) sum += callDown(Math.min(CALL_DEPTH, count - sum));
  return sum;
}

async function awaitValues(count: number): Promise<number> {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += await 1;
  return sum;
}

async function one(): Promise<number> {
  return 1;
}

async function awaitAsyncCalls(count: number): Promise<number> {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += await one();
  return sum;
}

/** Each callback schedules the next one. */
function chain(schedule: (next: () => void) => void): Case['repeat'] {
  return (count) =>
    new Promise((resolve) => {
      let sum = 0;
      function next(): void {
        sum++;
        if (sum === count) resolve(sum);
        else schedule(next);
      }
      schedule(next);
    });
}

/** With one peer that stays. */
function roundTripCase(id: string, title: string, start: () => Promise<Peer>): Case {
  let peer: Peer | undefined;
  return {
    id,
    title,
    async before() {
      peer = await start();
    },
    repeat: (count) => peer?.roundTrips(count) ?? 0,
    after: async () => peer?.close(),
  };
}

/** A new peer for every repetition. */
function startCase(id: string, title: string, start: () => Promise<Peer>): Case {
  let peer: Peer | undefined;
  return {
    id,
    title,
    maxCount: 1,
    async repeat() {
      peer = await start();
      return 1;
    },
    afterBatch: async () => peer?.close(),
  };
}

function conclude(rows: readonly LabRow[]): string[] {
  const median = (id: string) => rows.find((row) => row.id === id)?.figures.medianNs ?? Number.NaN;
  const [awaitNs, immediateNs] = [median('await-value'), median('set-immediate')];
  const [startNs, tripNs] = [median('worker-start'), median('worker-round-trip')];
  const sentences = [
    awaitNs &&
      `${formatCount(AWAITS)} awaits of available values cost about ${formatMs((awaitNs * AWAITS) / 1e6)} of CPU here.`,
    immediateNs && `setTimeout 0 waits rather than works; setImmediate lets the loop turn in ${formatNs(immediateNs)}.`,
    startNs &&
      tripNs &&
      `A worker takes ${formatNs(startNs)} to start and ${formatNs(tripNs)} to answer: keep it, and give it work that lasts longer.`,
  ];
  // Without its numbers there is no sentence.
  return sentences.filter((sentence) => typeof sentence === 'string');
}
