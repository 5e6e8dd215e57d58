// Small queries with an index, each well below a millisecond: synchronous, and no trouble.
import http from 'node:http';
import { DatabaseSync } from 'node:sqlite';

const PRODUCTS = 5000;
const database = new DatabaseSync('shop.db');
database.exec(`
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  CREATE TABLE products (id INTEGER PRIMARY KEY, name TEXT, price INTEGER);
  CREATE TABLE orders (id INTEGER PRIMARY KEY, customer TEXT, total INTEGER);
`);
const insert = database.prepare('INSERT INTO products VALUES (?, ?, ?)');
database.exec('BEGIN');
for (let id = 0; id < PRODUCTS; id++) insert.run(id, `product ${id}`, id % 1000);
database.exec('COMMIT');

const findProduct = database.prepare('SELECT * FROM products WHERE id = ?');
const addOrder = database.prepare('INSERT INTO orders (customer, total) VALUES (?, ?)');

async function order(request) {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += chunk;
  const { customer, lines } = JSON.parse(text);
  const { lastInsertRowid } = addOrder.run(
    customer,
    lines.reduce((sum, { amount, price }) => sum + amount * price, 0),
  );
  return { id: Number(lastInsertRowid) };
}

const server = http.createServer(async (request, response) => {
  const product = () => findProduct.get(Number(request.url.split('/')[2]) % PRODUCTS);
  response.end(JSON.stringify(request.method === 'POST' ? await order(request) : product()));
});
server.listen(0, '127.0.0.1', () => console.log(`listening on ${server.address().port}`));
process.once('SIGTERM', () => server.close(() => database.close()));
