// markedjs/marked#1070, PalisadoesFoundation/talawa-api#834: a definition with many spaces sends a pattern into backtracking.
'use strict';
const express = require('express');
const { marked } = require('marked');
const { listen } = require('./lib/listen.cjs');

const cured = process.argv[2] === 'cured';

function preview(text) {
  const input = cured ? text.replace(/ {3,}/g, ' ') : text;
  return marked.parse(input); // guilty
}

const app = express();
app.get('/preview/:spaces', (request, response) => {
  const spaces = ' '.repeat(Number(request.params.spaces) % 10 === 0 ? 900 : 1);
  response.send(preview(`# Title\n\n[x]:${spaces}x ${spaces} x`));
});
listen(app);
