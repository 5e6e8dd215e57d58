// Wakes once a second, looks whether there is work, and mostly there is none.
import { readdir, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

const EVERY_MS = 1000;
const stopped = new AbortController();
process.once('SIGTERM', () => stopped.abort());

let rounds = 0;
while (!stopped.signal.aborted) {
  const jobs = (await readdir('.')).filter((name) => name.endsWith('.job'));
  await writeFile('last-round.txt', `${new Date().toISOString()} ${jobs.length} jobs\n`);
  rounds++;
  await delay(EVERY_MS, undefined, { signal: stopped.signal }).catch(() => {});
}
console.log(`did ${rounds} rounds`);
