// SheetJS/sheetjs#77, mgcrea/node-xlsx#86: the export is written within the request.
'use strict';
const express = require('express');
const XLSX = require('xlsx');
const { listen } = require('./lib/listen.cjs');

const cured = process.argv[2] === 'cured';
const orders = Array.from({ length: cured ? 50 : 15_000 }, (_, id) => [
  id,
  `Order ${id}`,
  id * 1.5,
  'open',
  'EUR',
  true,
]);

function exported(rows) {
  const book = XLSX.utils.book_new();
  XLSX.utils.book_append_sheet(book, XLSX.utils.aoa_to_sheet(rows), 'Orders');
  return XLSX.write(book, { type: 'buffer', bookType: 'xlsx' }); // guilty
}

const app = express();
app.get('/export', (_request, response) => {
  response.send(exported(orders));
});
listen(app);
