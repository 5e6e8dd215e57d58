// An Express app with one good route and three that block everybody. Each looks harmless on its own.
import { pbkdf2Sync } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import express from 'express';

const ROWS = 600_000;
const ROWS_PER_TURN = 2_000;
const HASH_ITERATIONS = 1_000_000;

/** Yesterday's sales as JSON, about 50 MB: put together in small pieces so that the start does not block. */
async function buildSales() {
  let json = '[';
  for (let row = 0; row < ROWS; row++) {
    json += `{"id":${row},"product":"product ${row % 977}","price":${row % 89},"tags":["new","sold"],"paid":true},`;
    if (row % ROWS_PER_TURN === 0) await nextTurn();
  }
  return `${json}{"id":-1}]`;
}

/** True for words of one letter case. The nested quantifier makes it exponential where the text does not match. */
function isPlainText(text) {
  return /^([a-z]+)+$/.test(text);
}

function hashPassword(password) {
  return pbkdf2Sync(password, 'a fixed salt', HASH_ITERATIONS, 64, 'sha512').toString('hex');
}

function countSales(json) {
  return JSON.parse(json).length;
}

const sales = await buildSales();
const app = express();

app.get('/ok', async (_request, response) => {
  await nextTurn();
  response.json({ ok: true });
});

app.get('/report', (_request, response) => {
  response.json({ sales: countSales(sales) });
});

app.get('/hash', (request, response) => {
  response.json({ hash: hashPassword(request.query.password ?? 'secret') });
});

app.get('/search', (request, response) => {
  response.json({ plain: isPlainText(request.query.text ?? '') });
});

const server = app.listen(0, '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`);
});
