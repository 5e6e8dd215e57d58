// josdejong/workerpool#330, #476: a pool for each request; its threads never end by themselves.
'use strict';
const express = require('express');
const workerpool = require('workerpool');
const { listen } = require('./lib/listen.cjs');

const cured = process.argv[2] === 'cured';
const newPool = () => workerpool.pool({ workerType: 'thread', maxWorkers: 1 }); // guilty
const shared = cured ? newPool() : null;

async function sum(n) {
  const pool = shared ?? newPool(); // guilty
  return await pool.exec((count) => Array.from({ length: count }, (_, i) => i).reduce((a, b) => a + b, 0), [n]); // guilty
}

const app = express();
app.get('/sum/:n', async (request, response) => {
  response.json({ sum: await sum(Number(request.params.n)) });
});
listen(app);
