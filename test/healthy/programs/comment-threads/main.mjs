// Renders threads of comments, each an answer to the one before: an async function that awaits itself a hundred deep,
// which is as deep as its data, and no deeper.
import http from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';

const DEPTH = 100;
const THREADS = 50;
const answers = new Map();
for (let id = 0; id < THREADS * DEPTH; id++) answers.set(id, (id + 1) % DEPTH === 0 ? [] : [id + 1]);

async function answersTo(id) {
  if (id % 20 === 0) await nextTurn(); // not in the cache
  return answers.get(id);
}

async function render(id) {
  const parts = [];
  for (const answer of await answersTo(id)) parts.push(await render(answer));
  return `<li>comment ${id}<ul>${parts.join('')}</ul></li>`;
}

const server = http.createServer(async (request, response) => {
  const thread = Number(request.url.split('/')[2]) % THREADS;
  response.end(`<ul>${await render(thread * DEPTH)}</ul>`);
});
server.listen(0, '127.0.0.1', () => console.log(`listening on ${server.address().port}`));
process.once('SIGTERM', () => server.close());
