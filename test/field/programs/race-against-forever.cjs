// nodejs/node#17469, remix-run/react-router#15247: each result is raced against a promise that lives as long as the process.
'use strict';
const { once, EventEmitter } = require('node:events');
const express = require('express');
const { listen } = require('./lib/listen.cjs');

const cured = process.argv[2] === 'cured';
const life = new EventEmitter();
const stopped = once(life, 'stop');

async function render(id) {
  await new Promise((resolve) => setTimeout(resolve, 5));
  return Array.from({ length: 1500 }, (_, i) => ({ id, row: `${id}-${i}` })); // guilty
}

async function page(id) {
  if (cured) return render(id);
  return await Promise.race([render(id), stopped]); // guilty
}

const app = express();
app.get('/pages/:id', async (request, response) => {
  response.json({ rows: (await page(request.params.id)).length });
});
listen(app);
process.once('SIGTERM', () => life.emit('stop'));
