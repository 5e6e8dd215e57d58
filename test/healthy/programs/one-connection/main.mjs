// Sends the statements of a transaction one after another through one connection, which answers them in order, and closes each connection
// after some: the pool is small, and used again.
import { once } from 'node:events';
import net from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

const ORDERS = 60;
const LINES = 8;

const server = net.createServer((socket) => {
  let last = Promise.resolve();
  socket.setEncoding('utf8').on('data', (text) => {
    for (const statement of text.trim().split('\n')) {
      last = last.then(() => delay(4)).then(() => socket.writable && socket.write(`done ${statement}\n`));
    }
  });
  socket.on('error', () => {});
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const { port } = server.address();

class Connection {
  #socket;
  #waiting = [];

  async open() {
    this.#socket = net.connect(port, '127.0.0.1');
    await once(this.#socket, 'connect');
    this.#socket.setEncoding('utf8').on('data', (text) => {
      for (const answer of text.trim().split('\n')) this.#waiting.shift()?.(answer);
    });
    return this;
  }

  query(statement) {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#socket.write(`${statement}\n`);
    });
  }

  close() {
    this.#socket.end();
  }
}

class Pool {
  #idle = [];

  async connect() {
    return this.#idle.pop() ?? (await new Connection().open());
  }

  release(connection) {
    this.#idle.push(connection);
  }

  close() {
    for (const connection of this.#idle) connection.close();
  }
}

const pool = new Pool();

async function insertLines(client, order, lines) {
  for (const line of lines) await client.query(`insert ${order} ${line}`);
}

async function save(order, lines) {
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    const head = await client.query(`insert order ${order}`);
    const stock = await client.query(`select stock for ${order}`);
    await insertLines(client, order, lines);
    await client.query('COMMIT');
    return [head, stock];
  } finally {
    pool.release(client);
  }
}

const lines = Array.from({ length: LINES }, (_, i) => i);
let did = 0;
for (let order = 0; order < ORDERS; order += 2) {
  await Promise.all([save(order, lines), save(order + 1, lines)]);
  did += 2;
}
console.log(`did ${did} orders`);
pool.close();
server.close();
