// A server that is told to end while requests are in flight: it takes no more, answers these, writes its state, and goes.
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import http from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

const REPORT_MS = 300;
const GRACE_MS = 10_000;
let answered = 0;
let ending = false;

const server = http.createServer(async (request, response) => {
  await delay(REPORT_MS);
  answered++;
  if (ending) response.setHeader('connection', 'close');
  response.end(`report of ${request.url}`);
});
server.listen(0, '127.0.0.1', () => console.log(`listening on ${server.address().port}`));

await once(process, 'SIGTERM');
ending = true;
const impatience = setTimeout(() => process.exit(1), GRACE_MS);
server.close();
await once(server, 'close');
await writeFile('state.json', JSON.stringify({ answered }));
clearTimeout(impatience);
