// brianc/node-postgres#2605: a transaction keeps a row while it waits for something else; all updates of the row wait.
'use strict';
const express = require('express');
const { Pool } = require('pg');
const { listen } = require('./lib/listen.cjs');

const cured = process.argv[2] === 'cured';
const server = { host: '127.0.0.1', port: Number(process.env.POSTGRES_PORT), user: 'postgres', database: 'postgres' };
const pool = new Pool({ ...server, max: 10 });

async function pay(amount) {
  await pool.query('update account set total = total + $1 where id = 1', [amount]); // guilty
}

async function settle() {
  const client = await pool.connect();
  await client.query('begin');
  await client.query('update account set total = 0 where id = 1');
  if (!cured) await new Promise(() => {}); // guilty
  await client.query('commit');
  client.release();
}

const app = express();
app.get('/pay/:amount', async (request, response) => {
  await pay(Number(request.params.amount));
  response.sendStatus(204);
});
pool
  .query('create table if not exists account (id int primary key, total int)')
  .then(() => pool.query('insert into account values (1, 0) on conflict do nothing'))
  .then(() => listen(app));
setTimeout(settle, 4000);
