// sindresorhus/p-limit#91, #14: what runs in the limit waits for what the same limit has not let in.
'use strict';
const { setTimeout: delay } = require('node:timers/promises');
const express = require('express');
const pLimit = require('p-limit');
const { listen } = require('./lib/listen.cjs');

const cured = process.argv[2] === 'cured';
const limit = pLimit(3);
const inner = cured ? pLimit(5) : limit;

async function load(url) {
  await delay(20);
  return url.length;
}

async function crawl(site) {
  await delay(30);
  const pages = [1, 2, 3].map((n) => inner(() => load(`${site}/${n}`)));
  const sizes = await Promise.all(pages); // guilty
  return sizes.length;
}

const app = express();
app.get('/crawl/:site', async (request, response) => {
  const pages = await limit(() => crawl(request.params.site)); // guilty
  response.json({ pages });
});
listen(app);
