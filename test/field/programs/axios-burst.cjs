// axios/axios#3882, nodejs/help#2419: a job asks for everything at once.
'use strict';
const axios = require('axios');
const pLimit = require('p-limit');
const { endInTime } = require('./lib/listen.cjs');

const cured = process.argv[2] === 'cured';
const limit = pLimit(10);
const prices = `http://127.0.0.1:${process.env.HTTP_PORT}/prices`;

async function price(id) {
  const { data } = await axios.get(`${prices}/${id}?ms=150`); // guilty
  return data;
}

async function refresh() {
  const ids = Array.from({ length: cured ? 200 : 1500 }, (_, i) => i);
  const found = await Promise.all(ids.map((id) => (cured ? limit(() => price(id)) : price(id)))); // guilty
  console.log(`${found.length} prices`);
}

async function main() {
  for (;;) {
    await refresh();
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}
main();
endInTime();
