import { createRequire, isBuiltin } from 'node:module';
import { type Route, runIfMain, slowestPing, withServer, withWorkers } from './support.ts';
import type { Headline, Scenario } from './types.ts';

/** The part of node:sqlite that is used here; the oldest Node that runs this file has no such module. */
interface Database {
  exec(sql: string): void;
  prepare(sql: string): { get(...values: number[]): { total: number } };
}
type Sqlite = { DatabaseSync: new (path: string) => Database };

const REQUESTS = 5;
/** About 200 ms: the orders that were larger than the one before, of a table without an index. */
const ORDERS = 2100;
const FILL = `CREATE TABLE orders (id INTEGER, cents INTEGER);
  WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${ORDERS})
  INSERT INTO orders SELECT i, (i * 7919) % 10007 FROM n`;
const TOTAL = 'SELECT count(*) AS total FROM orders a, orders b WHERE a.cents > b.cents AND a.id > ?';

/** Loaded only when it is needed, as Node warns on loading that it is experimental. */
function openOrders(): Database {
  const { DatabaseSync } = createRequire(import.meta.url)('node:sqlite') as Sqlite;
  const database = new DatabaseSync(':memory:');
  database.exec(FILL);
  return database;
}

/** A driver without promises: the loop stands still until the last row was looked at. */
function totalBlocking(database: Database): string {
  return String(database.prepare(TOTAL).get(0).total); // guilty
}

/** Each worker has a connection of its own. */
const TOTAL_ON_WORKER = `(() => {
  const database = new (require('node:sqlite').DatabaseSync)(':memory:');
  database.exec(${JSON.stringify(FILL)});
  return (id) => database.prepare(${JSON.stringify(TOTAL)}).get(id).total;
})()`;

function serve(total: Route): Promise<Headline> {
  return withServer({ '/total': total }, async (get) => ({
    what: `the slowest /ping beside ${REQUESTS} queries`,
    value: await slowestPing(get, '/total', REQUESTS),
    unit: 'ms',
  }));
}

export const syncDatabase: Scenario = {
  id: 'sync-database',
  title: 'A synchronous query in a request',
  description:
    'The driver answers by returning: while the database counts, nobody else is served, however well it is written.',
  expect: [{ rule: 'blocked-event-loop', kind: 'sync-database' }],
  lacks: () => (isBuiltin('node:sqlite') ? null : 'node:sqlite (Node.js 22.13 or later)'),
  broken: async () => {
    const database = openOrders();
    return serve(() => totalBlocking(database));
  },
  fixed: () => withWorkers(TOTAL_ON_WORKER, 1, (ask) => serve(async () => String(await ask(0)))),
};

runIfMain(import.meta.url, syncDatabase);
