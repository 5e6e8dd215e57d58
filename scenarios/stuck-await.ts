import { EventEmitter, once } from 'node:events';
import { readFile } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { logLine, runIfMain, withTempDir } from './support.ts';
import type { Headline, Scenario } from './types.ts';

/** Together about 40 pages a second. */
const TRAYS = 8;
const EVERY_MS = 200;
const LIMIT_MS = 500;
/** The trays get no new pages in the last moments, so that a time-out can still be waited for. */
const LOAD_MS = 6400;
const RUN_MS = 7200;
/** Pages without a word on them. */
const EMPTY = new Set([10, 20, 30, 40]);

type Print = (printer: EventEmitter, page: number) => Promise<void>;

/** Reads pages and says when they are printed; of an empty one, of which there is nothing to print, it says nothing. */
function startPrinter(dir: string): EventEmitter {
  const printer = new EventEmitter();
  printer.on('print', (page: number) => {
    readFile(join(dir, EMPTY.has(page) ? 'empty.txt' : 'page.txt'), 'utf8', (error, text) => {
      if (error) printer.emit('error', error);
      else if (text !== '') printer.emit(`printed ${page}`);
    });
  });
  return printer;
}

async function printForever(printer: EventEmitter, page: number): Promise<void> {
  const printed = once(printer, `printed ${page}`);
  printer.emit('print', page);
  await printed; // guilty
}

async function printAtMost(printer: EventEmitter, page: number): Promise<void> {
  const printed = once(printer, `printed ${page}`, { signal: AbortSignal.timeout(LIMIT_MS) });
  printer.emit('print', page);
  try {
    await printed;
  } catch (error) {
    // The tray goes on with the next page.
    if ((error as Error).name !== 'AbortError') throw error;
  }
}

function work(print: Print): Promise<Headline> {
  return withTempDir(async (dir) => {
    await writeFile(join(dir, 'page.txt'), logLine(1));
    await writeFile(join(dir, 'empty.txt'), '');
    const printer = startPrinter(dir);
    const startMs = performance.now();
    const startedMs: number[] = Array.from({ length: TRAYS }, () => startMs);
    let pages = 0;
    let slowestMs = 0;
    const tray = async (_: unknown, i: number) => {
      await delay((i * EVERY_MS) / TRAYS);
      while (performance.now() - startMs < LOAD_MS) {
        startedMs[i] = performance.now();
        await print(printer, ++pages);
        slowestMs = Math.max(slowestMs, performance.now() - startedMs[i]);
        startedMs[i] = Number.POSITIVE_INFINITY;
        await delay(EVERY_MS);
      }
    };
    const end = delay(RUN_MS);
    await Promise.race([Promise.all(Array.from({ length: TRAYS }, tray)), end]);
    await end;
    const stuck = startedMs.filter((ms) => ms !== Number.POSITIVE_INFINITY);
    const what = `the slowest of ${pages} pages, with ${stuck.length} of ${TRAYS} trays stuck,`;
    return { what, value: Math.max(slowestMs, ...stuck.map((ms) => performance.now() - ms)), unit: 'ms' };
  });
}

export const stuckAwait: Scenario = {
  id: 'stuck-await',
  title: 'Waiting for an event that now and then never comes',
  description:
    'Most pages are reported as printed within milliseconds, empty ones never: who waits for one of them waits forever.',
  expect: [{ rule: 'stuck-async', kind: 'stuck' }],
  level: 'diagnose',
  broken: () => work(printForever),
  fixed: () => work(printAtMost),
};

runIfMain(import.meta.url, stuckAwait);
