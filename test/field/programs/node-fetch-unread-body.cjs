// node-influx/node-influx#475, nodejs/help#2419: only the headers are wanted; bodies nobody reads keep the agent's sockets.
'use strict';
const http = require('node:http');
const express = require('express');
const fetch = require('node-fetch');
const { listen } = require('./lib/listen.cjs');

const cured = process.argv[2] === 'cured';
const agent = new http.Agent({ keepAlive: true, maxSockets: 4 });
const files = `http://127.0.0.1:${process.env.HTTP_PORT}`;

async function lengthOf(name) {
  const response = await fetch(`${files}/${name}?kb=300`, { agent }); // guilty
  if (cured) response.body.resume();
  return Number(response.headers.get('content-length'));
}

const app = express();
app.get('/length/:name', async (request, response) => {
  response.json({ length: await lengthOf(request.params.name) });
});
listen(app);
