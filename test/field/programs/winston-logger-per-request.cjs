// winstonjs/winston#1334, #1620: a logger for each request, all on the same transport, which hears of each for ever.
'use strict';
const { Writable } = require('node:stream');
const express = require('express');
const winston = require('winston');
const { listen } = require('./lib/listen.cjs');

const cured = process.argv[2] === 'cured';
const sink = new Writable({ write: (_chunk, _encoding, done) => done() });
const transport = new winston.transports.Stream({ stream: sink });
const main = winston.createLogger({ transports: [transport] });

function loggerFor(id) {
  if (cured) return main.child({ id });
  return winston.createLogger({ defaultMeta: { id }, transports: [transport] }); // guilty
}

const app = express();
app.get('/items/:id', (request, response) => {
  loggerFor(request.params.id).info('asked');
  response.json({ id: request.params.id });
});
listen(app);
