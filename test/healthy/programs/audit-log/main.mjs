// A server that appends a line to its audit log for each request, looks at its terms and reads its price list.
import { once } from 'node:events';
import { appendFile, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const dir = await mkdtemp(join(tmpdir(), 'evdiag-healthy-audit-'));
const log = join(dir, 'audit.log');
const prices = join(dir, 'prices.json');
await writeFile(prices, JSON.stringify(Array.from({ length: 200 }, (_, id) => ({ id, cents: id * 7 }))));

const server = http.createServer(async (request, response) => {
  const { mtimeMs } = await stat(prices);
  const list = JSON.parse(await readFile(prices, 'utf8'));
  await appendFile(log, `${request.method} ${request.url} ${mtimeMs}\n`);
  response.end(String(list.length));
});
server.listen(0, '127.0.0.1', () => console.log(`listening on ${server.address().port}`));
process.once('SIGTERM', async () => {
  server.close();
  await once(server, 'close');
  await rm(dir, { recursive: true });
});
