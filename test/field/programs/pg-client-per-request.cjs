// brianc/node-postgres#2101: a client for each request, and nobody ends them.
'use strict';
const express = require('express');
const { Client, Pool } = require('pg');
const { listen } = require('./lib/listen.cjs');

const cured = process.argv[2] === 'cured';
const server = { host: '127.0.0.1', port: Number(process.env.POSTGRES_PORT), user: 'postgres', database: 'postgres' };
const pool = new Pool({ ...server, max: 4 });

async function version() {
  if (cured) return (await pool.query('select version()')).rows[0];
  const client = new Client(server); // guilty
  await client.connect(); // guilty
  const { rows } = await client.query('select version()');
  return rows[0];
}

const app = express();
app.get('/version', async (_request, response) => {
  try {
    response.json(await version());
  } catch (error) {
    response.status(500).json({ error: error.message });
  }
});
listen(app);
