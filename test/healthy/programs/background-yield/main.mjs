// A server that rebuilds its search index every two seconds, for about one, in pieces of a few milliseconds:
// meanwhile its loop is fully used, and nobody waits for it.
import http from 'node:http';
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';

const PIECE_MS = 5;
const BUILD_MS = 1000;
const PAUSE_MS = 1000;
const LEAST_PREFIX = 3;
const documents = Array.from({ length: 10_000 }, (_, id) => ({
  id,
  text: Array.from({ length: 30 }, (_, n) => `word${(id * 31 + n * 977) % 5000}`).join(' '),
}));

function* prefixesOf(text) {
  for (const word of text.split(' ')) {
    for (let length = LEAST_PREFIX; length <= word.length; length++) yield word.slice(0, length);
  }
}

/** As much of the index as fits into BUILD_MS: on a slow machine a smaller one, not a longer build. */
async function buildIndex() {
  const index = new Map();
  const endMs = performance.now() + BUILD_MS;
  let pieceEndMs = performance.now() + PIECE_MS;
  for (const { id, text } of documents) {
    for (const prefix of prefixesOf(text)) {
      const ids = index.get(prefix);
      if (ids) ids.push(id);
      else index.set(prefix, [id]);
    }
    if (performance.now() < pieceEndMs) continue;
    await nextTurn();
    if (performance.now() > endMs) break;
    pieceEndMs = performance.now() + PIECE_MS;
  }
  return index;
}

let index = await buildIndex();
const server = http.createServer((request, response) => {
  const word = new URL(request.url, 'http://localhost').searchParams.get('q');
  response.end(JSON.stringify({ word, found: (index.get(word) ?? []).slice(0, 20) }));
});
server.listen(0, '127.0.0.1', () => console.log(`listening on ${server.address().port}`));

const stopped = new AbortController();
process.once('SIGTERM', () => {
  stopped.abort();
  server.close();
});
while (!stopped.signal.aborted) {
  await delay(PAUSE_MS, undefined, { signal: stopped.signal }).catch(() => {});
  if (!stopped.signal.aborted) index = await buildIndex();
}
