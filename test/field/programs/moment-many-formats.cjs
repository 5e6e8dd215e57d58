// moment/moment#3168: each date is tried against all formats that there are.
'use strict';
const express = require('express');
const moment = require('moment');
const { listen } = require('./lib/listen.cjs');

const cured = process.argv[2] === 'cured';
const days = ['D/M/YYYY', 'M/D/YYYY', 'YYYY/M/D', 'D.M.YYYY', 'D MMM YYYY', 'MMM D YYYY', 'YYYY MMM D', 'YYYY-MM-DD'];
const times = ['', ' H:mm', ' HH:mm:ss', ' h:mm a', ' HH:mm Z', ' HH:mm:ss.SSS', ' h A', '[T]HH:mm:ss'];
const formats = days.flatMap((day) => times.map((time) => day + time));

function parse(text) {
  return cured ? moment(text, 'YYYY-MM-DD', true) : moment(text, formats, true); // guilty
}

const app = express();
app.get('/import', (_request, response) => {
  const rows = Array.from({ length: 300 }, (_, i) => `2026-01-${String((i % 28) + 1).padStart(2, '0')}`);
  response.json(rows.map((row) => parse(row).valueOf())); // guilty
});
listen(app);
