// SGrondin/bottleneck#95: more is scheduled than the limiter lets through, and the queue takes it all.
'use strict';
const { setTimeout: delay } = require('node:timers/promises');
const express = require('express');
const Bottleneck = require('bottleneck');
const { listen } = require('./lib/listen.cjs');

const cured = process.argv[2] === 'cured';
const bound = { highWater: 4, strategy: Bottleneck.strategy.OVERFLOW };
const limiter = new Bottleneck({ maxConcurrent: 2, minTime: 100, ...(cured && bound) });

async function send(id) {
  await delay(50);
  return id;
}

async function notify(id) {
  return await limiter.schedule(() => send(id)); // guilty
}

const app = express();
app.get('/notify/:id', async (request, response) => {
  try {
    response.json({ sent: await notify(request.params.id) });
  } catch {
    response.sendStatus(503);
  }
});
listen(app);
