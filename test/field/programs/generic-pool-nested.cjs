// coopernurse/node-pool#130, #85: who has a member of the pool asks for a second one, and so does everybody.
'use strict';
const { setTimeout: delay } = require('node:timers/promises');
const express = require('express');
const genericPool = require('generic-pool');
const { listen } = require('./lib/listen.cjs');

const cured = process.argv[2] === 'cured';
let made = 0;
const printers = genericPool.createPool(
  { create: async () => ({ id: ++made }), destroy: async () => undefined },
  { max: 4 },
);

async function print(printer, text) {
  await delay(40);
  return `${printer.id} ${text}`;
}

async function printCover(title) {
  const printer = await printers.acquire(); // guilty
  const page = await print(printer, title);
  await printers.release(printer);
  return page;
}

async function printBook(title) {
  const printer = await printers.acquire();
  const cover = cured ? await print(printer, title) : await printCover(title); // guilty
  const pages = await print(printer, 'pages');
  await printers.release(printer);
  return [cover, pages];
}

const app = express();
app.get('/books/:title', async (request, response) => {
  response.json(await printBook(request.params.title));
});
listen(app);
