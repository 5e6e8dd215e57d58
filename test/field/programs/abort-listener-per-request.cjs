// IlyaGershman/easy-poll#1, nodejs/node#52635: each wait listens to the one signal of the process, and never stops.
'use strict';
const timers = require('node:timers/promises');
const express = require('express');
const { listen } = require('./lib/listen.cjs');

const cured = process.argv[2] === 'cured';
const shutdown = new AbortController();

function wait(ms, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    const onAbort = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    signal.addEventListener('abort', onAbort); // guilty
  });
}

const app = express();
app.get('/poll/:id', async (request, response) => {
  if (cured) await timers.setTimeout(20, null, { signal: shutdown.signal });
  else await wait(20, shutdown.signal); // guilty
  response.json({ id: request.params.id });
});
listen(app);
process.once('SIGTERM', () => shutdown.abort());
