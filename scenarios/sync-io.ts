import { appendFileSync } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { logLine, type Route, runIfMain, slowestPing, withServer, withTempDir } from './support.ts';
import type { Headline, Scenario } from './types.ts';

/** About 10 µs each. */
const ROWS = 35_000;
const REQUESTS = 5;

function importBlocking(file: string): string {
  for (let i = 0; i < ROWS; i++) {
    appendFileSync(file, `${logLine(i)}\n`); // guilty
  }
  return 'imported';
}

async function importAwaiting(file: string): Promise<string> {
  const batch = 1000;
  for (let from = 0; from < ROWS; from += batch) {
    const lines = Array.from({ length: batch }, (_, i) => logLine(from + i));
    await appendFile(file, `${lines.join('\n')}\n`);
  }
  return 'imported';
}

function serve(importRows: (file: string) => ReturnType<Route>): Promise<Headline> {
  return withTempDir((dir) =>
    withServer({ '/import': () => importRows(join(dir, 'audit.log')) }, async (get) => ({
      what: `the slowest /ping beside ${REQUESTS} imports`,
      value: await slowestPing(get, '/import', REQUESTS),
      unit: 'ms',
    })),
  );
}

export const syncIo: Scenario = {
  id: 'sync-io',
  title: 'Synchronous file access in a request',
  description:
    'A request appends thousands of rows to a file with appendFileSync; nothing else is served until the last one.',
  expect: [{ rule: 'blocked-event-loop', kind: 'sync-fs' }],
  broken: () => serve(importBlocking),
  fixed: () => serve(importAwaiting),
};

runIfMain(import.meta.url, syncIo);
