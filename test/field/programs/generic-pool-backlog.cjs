// coopernurse/node-pool#108: the database gets slow, the queue of those who wait for a connection has no bound.
'use strict';
const { setTimeout: delay } = require('node:timers/promises');
const express = require('express');
const genericPool = require('generic-pool');
const { listen } = require('./lib/listen.cjs');

const cured = process.argv[2] === 'cured';
const begun = Date.now();
const connections = genericPool.createPool(
  {
    create: async () => ({ query: () => delay(Date.now() - begun < 4000 ? 20 : 500) }),
    destroy: async () => undefined,
  },
  { max: 3, ...(cured && { maxWaitingClients: 5 }) },
);

async function suiteOf(id) {
  const connection = await connections.acquire(); // guilty
  try {
    await connection.query(id);
    return { id };
  } finally {
    await connections.release(connection);
  }
}

const app = express();
app.get('/suites/:id', async (request, response) => {
  try {
    response.json(await suiteOf(request.params.id));
  } catch {
    response.sendStatus(503);
  }
});
listen(app);
