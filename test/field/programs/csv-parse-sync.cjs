// adaltas/node-csv-parse#224, #66: an uploaded file is parsed by the synchronous form.
'use strict';
const express = require('express');
const { parse } = require('csv-parse/sync');
const { listen } = require('./lib/listen.cjs');

const line = (i) => `${i},Customer ${i},"Street ${i}, Town",${i % 7},2026-01-01,open`;
const upload = ['id,name,address,kind,since,state', ...Array.from({ length: 40_000 }, (_, i) => line(i))].join('\n');

function importCustomers(text) {
  return parse(text, { columns: true }).length; // guilty
}

const app = express();
app.get('/import', (_request, response) => {
  response.json({ customers: importCustomers(upload) });
});
listen(app);
