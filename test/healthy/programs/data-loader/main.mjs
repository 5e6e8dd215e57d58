// Resolvers as a GraphQL server has them: each field is a promise of its own, and what they ask for in one turn is
// gathered into one query. Tens of thousands of awaits a second, nested to a depth of about ten.
import http from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

const QUERY_MS = 2;

function createLoader(query) {
  let batch = null;
  return (id) => {
    batch ??= gather();
    batch.ids.add(id);
    return batch.rows.then((rows) => rows.get(id));
  };
  function gather() {
    const ids = new Set();
    const rows = new Promise((resolve, reject) => {
      // After all resolvers that are ready have asked.
      process.nextTick(() => {
        batch = null;
        query([...ids]).then(resolve, reject);
      });
    });
    return { ids, rows };
  }
}

async function query(make, ids) {
  await delay(QUERY_MS);
  return new Map(ids.map((id) => [id, make(id)]));
}

const loadAuthor = createLoader((ids) =>
  query((id) => ({ id, name: `author ${id}`, books: [1, 2, 3, 4].map((n) => id * 10 + n) }), ids),
);
const loadBook = createLoader((ids) =>
  query((id) => ({ id, title: `book ${id}`, reviews: [1, 2, 3].map((n) => id * 10 + n) }), ids),
);
const loadReview = createLoader((ids) => query((id) => ({ id, stars: id % 5, text: `review ${id}` }), ids));

/** Resolves all fields of an object, each on its own. */
async function fields(resolvers) {
  const entries = Object.entries(resolvers).map(async ([name, resolve]) => [name, await resolve()]);
  return Object.fromEntries(await Promise.all(entries));
}

async function resolveReview(id) {
  const review = await loadReview(id);
  return fields({ stars: () => review.stars, text: async () => review.text });
}

async function resolveBook(id) {
  const book = await loadBook(id);
  return fields({ title: async () => book.title, reviews: () => Promise.all(book.reviews.map(resolveReview)) });
}

async function resolveAuthor(id) {
  const author = await loadAuthor(id);
  return fields({ name: async () => author.name, books: () => Promise.all(author.books.map(resolveBook)) });
}

const server = http.createServer(async (request, response) => {
  const id = Number(request.url.split('/')[2]);
  response.end(JSON.stringify(await resolveAuthor(id)));
});
server.listen(0, '127.0.0.1', () => console.log(`listening on ${server.address().port}`));
process.once('SIGTERM', () => server.close());
