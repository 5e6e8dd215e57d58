// An import: a large file by line, in batches over a connection to a store that is slower, which says when it can take more.
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';

const ROWS = 60_000;
const BATCH = 500;
const STORE_MS = 40;

const path = join(tmpdir(), `evdiag-healthy-import-${process.pid}.ndjson`);
const rowOf = (id) =>
  JSON.stringify({ id, name: `customer ${id}`, city: `city ${id % 97}`, cents: (id * 7919) % 100_000 });
await writeFile(path, Array.from({ length: ROWS }, (_, id) => `${rowOf(id)}\n`).join(''));

let stored = 0;
const store = createServer(async (socket) => {
  for await (const chunk of socket) {
    stored += chunk.toString('latin1').split('\n').length - 1;
    await delay(STORE_MS);
  }
  socket.end();
});
store.listen(0, '127.0.0.1');
await once(store, 'listening');
const socket = connect(store.address().port, '127.0.0.1');
await once(socket, 'connect');

async function send(batch) {
  if (!socket.write(`${batch.join('\n')}\n`)) await once(socket, 'drain');
}

let batch = [];
for await (const line of createInterface({ input: createReadStream(path) })) {
  batch.push(line);
  if (batch.length < BATCH) continue;
  await send(batch);
  batch = [];
}
await send(batch);
socket.end();
socket.resume();
await once(socket, 'close');
store.close();
await rm(path);
console.log(`did ${stored} rows`);
