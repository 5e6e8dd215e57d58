// Walks a tree of folders with an async function that awaits itself, as deep as the tree, again and again for changes.
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const ROUNDS = 3;
const PAUSE_MS = 500;
let read = 0;

async function digestOf(folder) {
  const hash = createHash('sha1');
  const entries = await readdir(folder, { withFileTypes: true });
  for (const entry of entries.sort((a, b) => a.name.localeCompare(b.name))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) hash.update(await digestOf(path));
    else hash.update(await readFile(path));
    read++;
  }
  return hash.digest('hex');
}

const digests = new Set();
for (let round = 0; round < ROUNDS; round++) {
  digests.add(await digestOf('tree'));
  await delay(PAUSE_MS);
}
console.log(`did ${read} entries, ${digests.size} state`);
