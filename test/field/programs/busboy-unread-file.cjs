// mscdex/busboy#157, mscdex/connect-busboy#14: a file that nobody reads stops the form, and the request with it.
'use strict';
const busboy = require('busboy');
const express = require('express');
const { listen } = require('./lib/listen.cjs');

const cured = process.argv[2] === 'cured';

function readForm(request) {
  return new Promise((resolve, reject) => {
    const form = busboy({ headers: request.headers });
    let bytes = 0;
    form.on('file', (name, file) => {
      if (name === 'avatar') file.on('data', (part) => (bytes += part.length));
      else if (cured) file.resume();
    });
    form.on('close', () => resolve(bytes)).on('error', reject);
    request.pipe(form);
  });
}

const app = express();
app.post('/upload', async (request, response) => {
  const bytes = await readForm(request); // guilty
  response.json({ bytes });
});
listen(app);
