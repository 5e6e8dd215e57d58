// nodejs/node#1834, #1180: a file is piped into a response; when the client leaves, the file stays open.
'use strict';
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { pipeline } = require('node:stream');
const express = require('express');
const { listen } = require('./lib/listen.cjs');

const cured = process.argv[2] === 'cured';
const film = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'field-')), 'film');
fs.writeFileSync(film, Buffer.alloc(20_000_000));
process.on('exit', () => fs.rmSync(path.dirname(film), { recursive: true, force: true }));

const app = express();
app.get('/films/:id', (_request, response) => {
  const file = fs.createReadStream(film); // guilty
  if (cured) pipeline(file, response, () => {});
  else file.pipe(response);
});
listen(app);
