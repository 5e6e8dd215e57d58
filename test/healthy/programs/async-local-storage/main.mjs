// Every request runs in contexts of AsyncLocalStorage, nested for each step, and each log line reads them.
import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import http from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

const request = new AsyncLocalStorage();
const span = new AsyncLocalStorage();
const LINES_KEPT = 500;
const lines = [];

function log(text) {
  lines.push(`${request.getStore().id} ${span.getStore()?.name ?? '-'} ${text}`);
  if (lines.length > LINES_KEPT) lines.shift();
}

function inSpan(name, work) {
  return span.run({ name, parent: span.getStore() }, async () => {
    log('begins');
    const result = await work();
    log('ends');
    return result;
  });
}

async function loadLine(sku) {
  await delay(2 + (sku % 5));
  log(`loaded ${sku}`);
  return { sku, price: sku * 10 };
}

async function loadOrder(id) {
  const skus = Array.from({ length: 10 }, (_, n) => id + n);
  return inSpan('lines', () => Promise.all(skus.map((sku) => inSpan(`line ${sku}`, () => loadLine(sku)))));
}

const server = http.createServer((incoming, response) => {
  request.run({ id: randomUUID(), path: incoming.url }, async () => {
    const [, name, id = '1'] = incoming.url.split('/');
    const body =
      name === 'orders' ? await inSpan('order', () => loadOrder(Number(id))) : { path: request.getStore().path };
    response.setHeader('x-request-id', request.getStore().id);
    response.end(JSON.stringify(body));
  });
});

server.listen(0, '127.0.0.1', () => console.log(`listening on ${server.address().port}`));
process.once('SIGTERM', () => server.close());
