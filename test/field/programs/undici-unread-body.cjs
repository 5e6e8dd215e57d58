// vercel/next.js#43493, vercel/storage#91: on an error status the body is left where it is, with its connection.
'use strict';
const express = require('express');
const { Pool } = require('undici');
const { listen } = require('./lib/listen.cjs');

const cured = process.argv[2] === 'cured';
const users = new Pool(`http://127.0.0.1:${process.env.HTTP_PORT}`, { connections: 4, pipelining: 1 });

async function user(id) {
  const status = id.endsWith('8') ? 404 : 200;
  const { statusCode, body } = await users.request({ path: `/users/${id}?kb=300&status=${status}`, method: 'GET' }); // guilty
  if (statusCode === 404) {
    if (cured) await body.dump();
    return null;
  }
  return (await body.arrayBuffer()).byteLength;
}

const app = express();
app.get('/users/:id', async (request, response) => {
  response.json({ bytes: await user(request.params.id) });
});
listen(app);
