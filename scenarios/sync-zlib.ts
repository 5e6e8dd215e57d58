import { setImmediate as nextTurn } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gzip, gzipSync } from 'node:zlib';
import { logLine, runIfMain, slowestPing, withServer } from './support.ts';
import type { Headline, Scenario } from './types.ts';

const gzipAsync = promisify(gzip);

/** About 20 MB, which take about 250 ms to compress. */
const LINES = 160_000;
const REQUESTS = 5;

function downloadBlocking(report: Buffer): string {
  const packed = gzipSync(report); // guilty
  return String(packed.length);
}

async function downloadAwaiting(report: Buffer): Promise<string> {
  const packed = await gzipAsync(report);
  return String(packed.length);
}

/** In pieces, so that making the report is not what blocks. */
async function makeReport(): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for (let from = 0; from < LINES; from += 2000) {
    const lines = Array.from({ length: 2000 }, (_, i) => logLine(from + i));
    pieces.push(Buffer.from(lines.join('\n')));
    await nextTurn();
  }
  return Buffer.concat(pieces);
}

async function serve(download: (report: Buffer) => string | Promise<string>): Promise<Headline> {
  const report = await makeReport();
  return withServer({ '/download': () => download(report) }, async (get) => ({
    what: `the slowest /ping beside ${REQUESTS} downloads`,
    value: await slowestPing(get, '/download', REQUESTS),
    unit: 'ms',
  }));
}

export const syncZlib: Scenario = {
  id: 'sync-zlib',
  title: 'Compressing synchronously',
  description:
    'Every download compresses a report of 20 MB with gzipSync on the main thread instead of on the thread pool.',
  expect: [{ rule: 'blocked-event-loop', kind: 'sync-zlib' }],
  broken: () => serve(downloadBlocking),
  fixed: () => serve(downloadAwaiting),
};

runIfMain(import.meta.url, syncZlib);
