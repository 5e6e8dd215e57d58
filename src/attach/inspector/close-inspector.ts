/** What the helper runs: see `closer.ts`. Its words: process, when that was started, the sockets that listened before. */
import { setTimeout as pause } from 'node:timers/promises';
import { startTicks } from '../process/state.ts';
import { closeIfOpen } from './close-port.ts';
import { waitForPort } from './open-port.ts';

/** A main thread inside a native call opens its inspector when that returns: nobody waits longer for that. */
const LATEST_MS = 3_600_000;
/** Node may open it once more when its loop turns. */
const AGAIN_MS = 3000;
const LOOK_MS = 50;

async function main([pidText, startedText, inodes = '']: readonly string[]): Promise<void> {
  const pid = Number(pidText);
  const started = Number(startedText);
  const before = new Set(inodes.split(',').filter(Boolean));
  const told = await wordsUntilEnd();
  if (told.includes('done') || !told.includes('sent') || startTicks(pid) !== started) return;
  const known = told.find((word) => word.startsWith('port '));
  const port = known === undefined ? await openedPort(pid, before, started) : Number(known.slice('port '.length));
  const giveUpAt = performance.now() + AGAIN_MS;
  while (performance.now() < giveUpAt) {
    await closeIfOpen(pid, port, { before, started });
    await pause(LOOK_MS);
  }
}

async function wordsUntilEnd(): Promise<string[]> {
  let text = '';
  for await (const part of process.stdin.setEncoding('utf8')) text += String(part);
  return text.split('\n');
}

async function openedPort(pid: number, before: ReadonlySet<string>, started: number): Promise<number> {
  const { port } = await waitForPort(pid, before, started, { timeoutMs: LATEST_MS, pollMs: LOOK_MS, onProgress() {} });
  return port;
}

main(process.argv.slice(2)).catch(() => {
  // The process has ended.
});
