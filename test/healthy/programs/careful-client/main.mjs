// Awaits one call after another where each needs the one before it: ids from the last answer, pages by cursor, tries with back-off, a rate
// limiter, the first of several mirrors, workers that share one list.
import http from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

const ROUNDS = 4;
const PAGES = 25;
const LETTERS = 25;
let asked = 0;

const server = http.createServer(async (request, response) => {
  await delay(8);
  const n = Number(/\d+/.exec(request.url)?.[0] ?? 0);
  const fails = request.url.startsWith('/flaky') && asked++ % 3 === 0;
  response.writeHead(fails ? 503 : 200).end(JSON.stringify({ next: n + 1, items: [n, n + 1], parent: n * 2 }));
});
server.keepAliveTimeout = 60_000;
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const { port } = server.address();
const agent = new http.Agent({ keepAlive: true, maxSockets: 8 });

function get(path) {
  return new Promise((resolve, reject) => {
    http
      .get({ host: '127.0.0.1', port, path, agent }, async (response) => {
        let text = '';
        for await (const chunk of response.setEncoding('utf8')) text += chunk;
        if (response.statusCode === 200) resolve(JSON.parse(text));
        else reject(new Error(`${path} answered ${response.statusCode}`));
      })
      .on('error', reject);
  });
}

async function family(id) {
  const person = await get(`/person/${id}`);
  const parent = await get(`/person/${person.parent}`);
  const grandparent = await get(`/person/${parent.parent}`);
  return [person, parent, grandparent];
}

async function everything() {
  const items = [];
  for (let cursor = 0; cursor < PAGES; ) {
    const answer = await get(`/list?after=${cursor}`);
    items.push(...answer.items);
    cursor = answer.next;
  }
  return items;
}

async function insist(path) {
  for (let attempt = 0; ; attempt++) {
    try {
      return await get(path);
    } catch (error) {
      if (attempt === 4) throw error;
      await delay(10 * 2 ** attempt);
    }
  }
}

let free = Promise.resolve();
/** One each 15 ms. */
function turn() {
  const mine = free;
  free = mine.then(() => delay(15));
  return mine;
}

async function sendSlowly(letter) {
  await turn();
  return get(`/letter/${letter}`);
}

async function sendAll(letters) {
  const sent = [];
  for (const letter of letters) sent.push(await sendSlowly(letter));
  return sent;
}

async function firstThatHas(mirrors) {
  for (const mirror of mirrors) {
    const answer = await get(`/mirror/${mirror}`);
    if (answer.next > 8) return answer;
  }
  return null;
}

async function shareOut(list) {
  const rest = list.values();
  const worker = async () => {
    for (const item of rest) await get(`/item/${item}`);
  };
  await Promise.all([worker(), worker(), worker(), worker()]);
}

const numbers = Array.from({ length: LETTERS }, (_, i) => i);
let did = 0;
for (let round = 0; round < ROUNDS; round++) {
  for (let id = round * 10; id < round * 10 + 10; id++) did += (await family(id)).length;
  did += (await everything()).length;
  did += (await sendAll(numbers)).length;
  await insist(`/flaky/${round}`);
  await firstThatHas(numbers);
  await shareOut(numbers);
}
console.log(`did ${did} answers`);
agent.destroy();
server.close();
