// Loads hundreds of modules and a large JSON file before it listens, synchronously, as one does at start; then it serves.
const { readdirSync, readFileSync } = require('node:fs');
const { resolve } = require('node:path');
const express = require('express');
require('fastify');
require('koa');
require('undici');
require('ws');

const modules = readdirSync('modules').map((name) => require(resolve('modules', name)));
const { settings } = JSON.parse(readFileSync('settings.json', 'utf8'));
const byId = new Map(settings.map((setting) => [setting.id, setting]));

const app = express();
app.get('/settings/:id', ({ params }, response) => {
  const id = Number(params.id);
  response.json({ ...byId.get(id), computed: modules[id % modules.length].function7(id) });
});
const server = app.listen(0, '127.0.0.1', () => console.log(`listening on ${server.address().port}`));
process.once('SIGTERM', () => server.close());
