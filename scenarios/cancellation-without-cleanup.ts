import { once } from 'node:events';
import { open, rm } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Get, logLine, runIfMain, withServer, withTempDir } from './support.ts';
import type { Headline, Scenario } from './types.ts';

/** About 4 exports a second miss their deadline. */
const PAUSE_MS = 25;
const RUN_MS = 6500;
const LIMIT_MS = 120;
const BEAT_MS = 50;
const PAGE_MS = 20;
/** Every second export is too long for its deadline. */
const SHORT_PAGES = 3;
const LONG_PAGES = 50;

/** Closes what the process still holds: only the end of the scenario gives it back. */
const held = new Set<() => Promise<void>>();

interface Storage {
  dir: string;
  port: number;
}
type Export = (storage: Storage, number: number, signal: AbortSignal) => Promise<string>;

const pagesOf = (number: number) => (number % 2 === 0 ? SHORT_PAGES : LONG_PAGES);

async function exportLeaving({ dir, port }: Storage, number: number, signal: AbortSignal): Promise<string> {
  const path = join(dir, `${number}.tmp`);
  const socket = connect(port, '127.0.0.1'); // guilty
  const beat = setInterval(() => socket.write('still at it\n'), BEAT_MS); // guilty
  const file = await open(path, 'w'); // guilty
  const close = async () => {
    clearInterval(beat);
    socket.destroy();
    await file.close();
    await rm(path);
  };
  held.add(close);
  for (let page = 0; page < pagesOf(number); page++) {
    signal.throwIfAborted();
    await file.write(logLine(page));
    await delay(PAGE_MS);
  }
  await close();
  held.delete(close);
  return 'exported';
}

async function exportCleaning({ dir, port }: Storage, number: number, signal: AbortSignal): Promise<string> {
  const path = join(dir, `${number}.tmp`);
  const socket = connect(port, '127.0.0.1');
  const beat = setInterval(() => socket.write('still at it\n'), BEAT_MS);
  try {
    const file = await open(path, 'w');
    try {
      for (let page = 0; page < pagesOf(number); page++) {
        await file.write(logLine(page));
        await delay(PAGE_MS, undefined, { signal });
      }
      return 'exported';
    } finally {
      await file.close();
      await rm(path);
    }
  } finally {
    clearInterval(beat);
    socket.destroy();
  }
}

async function untilDeadline(start: (signal: AbortSignal) => Promise<string>): Promise<string> {
  const controller = new AbortController();
  const deadline = setTimeout(() => controller.abort(), LIMIT_MS);
  try {
    return await start(controller.signal);
  } catch (error) {
    if (!controller.signal.aborted) throw error;
    return 'too late';
  } finally {
    clearTimeout(deadline);
  }
}

async function load(get: Get): Promise<Headline> {
  let slowestMs = 0;
  let requests = 0;
  for (const endMs = performance.now() + RUN_MS; performance.now() < endMs; await delay(PAUSE_MS)) {
    slowestMs = Math.max(slowestMs, await get('/export'));
    requests++;
  }
  const what = `the slowest of ${requests} exports, with the timers, sockets and files of ${held.size} still open,`;
  return { what, value: slowestMs, unit: 'ms' };
}

async function serve(exportPages: Export): Promise<Headline> {
  const backend = createServer((socket) => socket.resume());
  await once(backend.listen(0, '127.0.0.1'), 'listening');
  const { port } = backend.address() as AddressInfo;
  return withTempDir(async (dir) => {
    let number = 0;
    const route = () => untilDeadline((signal) => exportPages({ dir, port }, number++, signal));
    try {
      return await withServer({ '/export': route }, load);
    } finally {
      for (const close of held) await close();
      await once(backend.close(), 'close');
    }
  });
}

export const cancellationWithoutCleanup: Scenario = {
  id: 'cancellation-without-cleanup',
  title: 'Aborted work that leaves everything open',
  description:
    'An export that misses its deadline throws on the spot: its timer, its socket, its file handle and its temporary file stay.',
  expect: [{ rule: 'cancellation-without-cleanup', kind: 'leftover' }],
  level: 'diagnose',
  broken: () => serve(exportLeaving),
  fixed: () => serve(exportCleaning),
};

runIfMain(import.meta.url, cancellationWithoutCleanup);
