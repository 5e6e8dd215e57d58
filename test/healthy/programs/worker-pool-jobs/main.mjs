// A pool of two threads at work: texts of some kB go there, word counts come back, and each thread gets a large table once, at the start.
import { once } from 'node:events';
import http from 'node:http';
import { Worker } from 'node:worker_threads';

const THREADS = 2;
const SOURCE = `
  const { parentPort, workerData } = require('node:worker_threads');
  const stop = new Set(workerData.stopWords);
  parentPort.on('message', ({ id, text }) => {
    const counts = {};
    for (const word of text.split(' ')) if (!stop.has(word)) counts[word] = (counts[word] ?? 0) + 1;
    parentPort.postMessage({ id, counts });
  });`;
const stopWords = Array.from({ length: 20_000 }, (_, i) => `stop${i}`);
const workers = Array.from({ length: THREADS }, () => new Worker(SOURCE, { eval: true, workerData: { stopWords } }));
const asked = new Map();
let count = 0;
for (const worker of workers) {
  worker.on('message', ({ id, counts }) => {
    asked.get(id)(counts);
    asked.delete(id);
  });
}

function countWords(text) {
  return new Promise((resolve) => {
    const id = count++;
    asked.set(id, resolve);
    workers[id % THREADS].postMessage({ id, text });
  });
}

const server = http.createServer(async (request, response) => {
  const text = Array.from({ length: 2000 }, (_, i) => `word${(i * request.url.length) % 300}`).join(' ');
  response.end(JSON.stringify(await countWords(text)));
});
server.listen(0, '127.0.0.1', () => console.log(`listening on ${server.address().port}`));
process.once('SIGTERM', async () => {
  server.close();
  await once(server, 'close');
  await Promise.all(workers.map((worker) => worker.terminate()));
});
