// mysqljs/mysql#2322: within a transaction, which holds a connection, another one is asked of the same pool.
'use strict';
const express = require('express');
const mysql = require('mysql2/promise');
const { listen } = require('./lib/listen.cjs');

const cured = process.argv[2] === 'cured';
const pool = mysql.createPool({
  host: '127.0.0.1',
  port: Number(process.env.MYSQL_PORT),
  user: 'shop',
  connectionLimit: 2,
});

async function audit(order, connection) {
  await connection.query(`insert into audit values (${order})`); // guilty
}

async function place(order) {
  const connection = await pool.getConnection();
  try {
    await connection.beginTransaction();
    await connection.query(`insert into orders values (${order})`);
    await audit(order, cured ? connection : pool); // guilty
    await connection.commit();
  } finally {
    connection.release();
  }
}

const app = express();
app.get('/orders/:id', async (request, response) => {
  await place(Number(request.params.id));
  response.sendStatus(201);
});
listen(app);
