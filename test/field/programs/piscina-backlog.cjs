// piscinajs/piscina#145: tasks are put in faster than the threads take them out.
'use strict';
const { isMainThread } = require('node:worker_threads');

module.exports = (id) => {
  const end = Date.now() + 90;
  while (Date.now() < end);
  return id;
};

if (isMainThread) {
  const express = require('express');
  const { Piscina } = require('piscina');
  const { listen } = require('./lib/listen.cjs');
  const cured = process.argv[2] === 'cured';
  const pool = new Piscina({ filename: __filename, maxThreads: 1, ...(cured && { maxQueue: 3 }) });
  const resize = async (id) => await pool.run(id); // guilty

  const app = express();
  app.get('/resize/:id', async (request, response) => {
    try {
      response.json({ id: await resize(Number(request.params.id)) }); // guilty
    } catch {
      response.sendStatus(503);
    }
  });
  listen(app);
}
