// redis/ioredis#1136, #864: a blocking pop holds the one connection, on which all other commands queue.
'use strict';
const express = require('express');
const Redis = require('ioredis');
const { listen } = require('./lib/listen.cjs');

const cured = process.argv[2] === 'cured';
const redis = new Redis({ host: '127.0.0.1', port: Number(process.env.REDIS_PORT) });
const queue = cured ? redis.duplicate() : redis;

async function nextJob() {
  const [, job] = await queue.blpop('jobs', 0); // guilty
  return job;
}

async function session(id) {
  return redis.get(`session:${id}`);
}

const app = express();
app.get('/sessions/:id', async (request, response) => {
  const found = await session(request.params.id); // guilty
  response.json({ found });
});
listen(app);
setTimeout(nextJob, 3000);
