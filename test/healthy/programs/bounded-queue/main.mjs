// Fetches pages from a server that takes its time, ten at once, and saves each to a file, eight at once.
import { mkdir, writeFile } from 'node:fs/promises';
import http from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import pLimit from 'p-limit';

const PAGES = 1500;
const FETCHES = 10;
const WRITES = 8;

const site = http.createServer(async (request, response) => {
  await delay(10 + (request.url.length % 7) * 3);
  response.end(`<h1>${request.url}</h1>${'<p>text</p>'.repeat(300)}`);
});
await new Promise((resolve) => site.listen(0, '127.0.0.1', resolve));
const { port } = site.address();

const agent = new http.Agent({ keepAlive: true, maxSockets: FETCHES });
const fetches = pLimit(FETCHES);
const writes = pLimit(WRITES);

function get(path) {
  return new Promise((resolve, reject) => {
    http
      .get({ host: '127.0.0.1', port, path, agent }, async (response) => {
        response.setEncoding('utf8').on('error', reject);
        let text = '';
        for await (const chunk of response) text += chunk;
        resolve(text);
      })
      .on('error', reject);
  });
}

async function save(page) {
  const text = await fetches(() => get(`/page/${page}`));
  await writes(() => writeFile(`pages/${page % 100}.html`, text));
}

await mkdir('pages');
await Promise.all(Array.from({ length: PAGES }, (_, page) => save(page)));
console.log(`did ${PAGES} pages`);
agent.destroy();
site.close();
