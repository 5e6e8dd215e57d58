import { runIfMain, steadyLoad, withServer } from './support.ts';
import type { Headline, Scenario } from './types.ts';

const STEPS = 1500;
const SAMPLES = 128;
/** Of every second block so many are kept for later questions: they survive a collection or two, and then die. */
const WINDOW = 1500;

let steps = 0;
const sampleAt = (step: number, i: number): number => ((step * 31 + i * 7) & 1023) + 0.5;

/** A fresh block, and a fresh object for each sample in it, for every step of the generator. */
async function* freshBlocks(): AsyncGenerator<{ value: number }[]> {
  for (let i = 0; i < STEPS; i++) {
    const block: { value: number }[] = []; // guilty
    for (let i = 0; i < SAMPLES; i++) block.push({ value: sampleAt(steps, i) }); // guilty
    yield block;
  }
}

const blocks: { value: number }[][] = [];

async function sumOfBlocks(): Promise<string> {
  let sum = 0;
  for await (const block of freshBlocks()) {
    sum += block[0]!.value;
    if (steps & 1) blocks[(steps >> 1) % WINDOW] = block; // guilty
    steps++;
  }
  return String(sum);
}

/** One buffer for all of them: every step writes over the block that is oldest. */
const ring = new Float64Array(WINDOW * SAMPLES);
const views = Array.from({ length: WINDOW }, (_, slot) => ring.subarray(slot * SAMPLES, (slot + 1) * SAMPLES));

async function* reusedBlocks(): AsyncGenerator<Float64Array> {
  for (let i = 0; i < STEPS; i++) {
    const slot = (steps >> 1) % WINDOW;
    const block = views[slot]!;
    for (let i = 0; i < SAMPLES; i++) block[i] = sampleAt(steps, i);
    yield block;
    steps++;
  }
}

async function sumOfRing(): Promise<string> {
  let sum = 0;
  for await (const block of reusedBlocks()) sum += block[0]!;
  return String(sum);
}

function serve(sum: () => Promise<string>): Promise<Headline> {
  return withServer({ '/sum': sum }, async (get) => {
    const { requests, pingMs } = await steadyLoad(get, '/sum', 10);
    return { what: `95 of 100 pings beside ${requests} sums over ${STEPS} blocks`, value: pingMs, unit: 'ms' };
  });
}

export const generatorChurn: Scenario = {
  id: 'generator-churn',
  title: 'A fresh block at every step of a generator',
  description: 'An asynchronous generator yields new arrays of new objects instead of one buffer; the collector pays.',
  expect: [{ rule: 'gc-pressure', kind: 'allocation' }],
  broken: () => serve(sumOfBlocks),
  fixed: () => serve(sumOfRing),
};

runIfMain(import.meta.url, generatorChurn);
