import { write } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { logLine, type Route, runIfMain, slowestPing, withServer } from './support.ts';
import type { Headline, Scenario } from './types.ts';

const STDOUT = 1;
/** About 250 ms of writes to a file or a pipe; a terminal is slower, and somebody looks at it. */
const LINES = process.stdout.isTTY ? 5000 : 60_000;
const REQUESTS = 5;
/** Made once: formatting is not what this is about. */
const TEXTS = Array.from({ length: 1000 }, (_, i) => logLine(i));

const writeAsync = promisify(write);

function reportBlocking(): string {
  for (let i = 0; i < LINES; i++) {
    console.log(TEXTS[i % TEXTS.length]); // guilty
  }
  return 'logged';
}

/** Collects lines and writes them in big pieces on the thread pool. */
class BufferedLog {
  #lines: string[] = [];
  #writing = Promise.resolve();

  line(text: string): void {
    this.#lines.push(text);
    if (this.#lines.length === 1000) this.flush();
  }

  flush(): Promise<void> {
    const lines = this.#lines;
    this.#lines = [];
    if (lines.length > 0) this.#writing = this.#writing.then(() => writeAll(Buffer.from(`${lines.join('\n')}\n`)));
    return this.#writing;
  }
}

async function writeAll(buffer: Buffer): Promise<void> {
  let offset = 0;
  while (offset < buffer.length) {
    try {
      offset += (await writeAsync(STDOUT, buffer, offset)).bytesWritten;
    } catch (error) {
      // A pipe that another process made non-blocking, and whose reader is behind.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      await delay(5);
    }
  }
}

function reportBuffered(log: BufferedLog): string {
  for (let i = 0; i < LINES; i++) log.line(TEXTS[i % TEXTS.length]!);
  return 'logged';
}

function serve(report: Route): Promise<Headline> {
  return withServer({ '/report': report }, async (get) => ({
    what: `the slowest /ping beside ${REQUESTS} reports of ${LINES} log lines`,
    value: await slowestPing(get, '/report', REQUESTS),
    unit: 'ms',
  }));
}

export const blockingLog: Scenario = {
  id: 'blocking-log',
  title: 'Logging synchronously in the hot path',
  description:
    'console.log writes synchronously when stdout is a file or a pipe: every line is a system call on the main thread.',
  expect: [{ rule: 'blocked-event-loop', kind: 'sync-stdio' }],
  broken: () => serve(reportBlocking),
  fixed: async () => {
    const log = new BufferedLog();
    const headline = await serve(() => reportBuffered(log));
    await log.flush();
    return headline;
  },
};

runIfMain(import.meta.url, blockingLog);
