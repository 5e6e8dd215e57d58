import { type Route, runIfMain, steadyLoad, withServer } from './support.ts';
import type { Headline, Scenario } from './types.ts';

/** About 1500 ms of ticks. */
const RECORDS = 12_000_000;
/** About 1 ms of work. */
const SLICE = 100_000;
const FIELD_BYTES = 4;
const EVERY_MS = 2000;

const message = Buffer.from(Uint8Array.from({ length: 64 * 1024 }, (_, i) => (i * 31) & 255));

const readRecord = (i: number): number => message.readUInt32LE((i * FIELD_BYTES) % message.length); // guilty

/** process.nextTick runs before the loop goes on: the next tick of a tick as well, and so for ever. */
function parseByTicks(): Promise<string> {
  let sum = 0;
  let i = 0;
  return new Promise((resolve) => {
    // biome-ignore format: the mark ends the line it means
    const parseNext = () => { // guilty
      sum = (sum + readRecord(i++)) | 0; // guilty
      if (i < RECORDS) process.nextTick(parseNext); // guilty
      else resolve(String(sum));
    };
    parseNext();
  });
}

function parseByTurns(): Promise<string> {
  let sum = 0;
  let i = 0;
  return new Promise((resolve) => {
    const parseSlice = () => {
      const end = Math.min(RECORDS, i + SLICE);
      while (i < end) sum = (sum + readRecord(i++)) | 0;
      if (i < RECORDS) setImmediate(parseSlice);
      else resolve(String(sum));
    };
    parseSlice();
  });
}

function serve(parse: Route): Promise<Headline> {
  return withServer({ '/parse': parse }, async (get) => {
    const { requests, slowestPingMs } = await steadyLoad(get, '/parse', EVERY_MS);
    return { what: `the slowest /ping beside ${requests} messages`, value: slowestPingMs, unit: 'ms' };
  });
}

export const nexttickStarvation: Scenario = {
  id: 'nexttick-starvation',
  title: 'process.nextTick that calls itself',
  description:
    'A parser takes each record in a tick of its own; ticks run before everything else, so nothing else runs.',
  expect: [{ rule: 'starved-event-loop', kind: 'nexttick' }],
  broken: () => serve(parseByTicks),
  fixed: () => serve(parseByTurns),
};

runIfMain(import.meta.url, nexttickStarvation);
