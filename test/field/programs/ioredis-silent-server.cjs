// redis/ioredis#139, #634: the server stops answering, the connection stays open, and so do all commands.
'use strict';
const express = require('express');
const Redis = require('ioredis');
const { listen } = require('./lib/listen.cjs');

const cured = process.argv[2] === 'cured';
const redis = new Redis({
  host: '127.0.0.1',
  port: Number(process.env.REDIS_PORT),
  ...(cured && { commandTimeout: 200 }),
});
redis.on('error', () => {});

async function allowed(client) {
  const hits = await redis.incr(`hits:${client}`); // guilty
  return hits < 100_000;
}

const app = express();
app.use(async (request, response, next) => {
  if (await allowed(request.ip).catch(() => true)) next();
  else response.sendStatus(429);
});
app.get('/prices/:id', (request, response) => response.json({ id: request.params.id }));
listen(app);
