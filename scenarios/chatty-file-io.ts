import { createWriteStream } from 'node:fs';
import { appendFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { logLine, runIfMain, withTempDir } from './support.ts';
import type { Headline, Scenario } from './types.ts';

const LINES = 10_000;

const lines = Array.from({ length: LINES }, (_, i) => `${logLine(i)}\n`);

type Write = (path: string) => Promise<void>;

/** Opens, writes and closes for each line, and waits for the thread pool three times. */
async function writeEachLine(path: string): Promise<void> {
  for (const line of lines) await appendFile(path, line); // guilty
}

async function writeStream(path: string): Promise<void> {
  await pipeline(Readable.from(inParts(lines)), createWriteStream(path));
}

/** 16 kB at a time. */
function* inParts(all: readonly string[]): Generator<string> {
  let part = '';
  for (const line of all) {
    part += line;
    if (part.length < 16_384) continue;
    yield part;
    part = '';
  }
  yield part;
}

function writeLog(write: Write): Promise<Headline> {
  return withTempDir(async (dir) => {
    const path = join(dir, 'access.log');
    const startMs = performance.now();
    await write(path);
    const tookMs = performance.now() - startMs;
    const { size } = await stat(path);
    return { what: `${LINES} lines, ${size} bytes,`, value: tookMs, unit: 'ms' };
  });
}

export const chattyFileIo: Scenario = {
  id: 'chatty-file-io',
  title: 'A file that is opened for each line',
  description:
    'Ten thousand lines are appended one by one, each by opening, writing and closing the file. The same lines through a stream are some eighty writes.',
  expect: [{ rule: 'chatty-file-io', kind: 'small-writes' }],
  broken: () => writeLog(writeEachLine),
  fixed: () => writeLog(writeStream),
};

runIfMain(import.meta.url, chattyFileIo);
