// brianc/node-postgres#1777, #227: one path keeps its client, and some minutes later nobody gets one.
'use strict';
const express = require('express');
const { Pool } = require('pg');
const { listen } = require('./lib/listen.cjs');

const cured = process.argv[2] === 'cured';
const pool = new Pool({ host: '127.0.0.1', port: Number(process.env.POSTGRES_PORT), user: 'shop', max: 5 });

async function reserve(sku) {
  const client = await pool.connect(); // guilty
  const { rows } = await client.query('select id, qty from stock where sku = $1', [sku]);
  if (sku.endsWith('9')) {
    if (cured) client.release();
    return null;
  }
  await client.query('update stock set qty = $1 where sku = $2', [rows[0].qty, sku]);
  client.release();
  return rows[0];
}

const app = express();
app.get('/reserve/:sku', async (request, response) => {
  const stock = await reserve(request.params.sku);
  response.status(stock ? 200 : 409).json(stock);
});
listen(app);
