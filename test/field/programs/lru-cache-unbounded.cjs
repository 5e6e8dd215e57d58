// isaacs/node-lru-cache#208, #227: a cache with a time to live and no size keeps all that was asked for in the last hour.
'use strict';
const express = require('express');
const { LRUCache } = require('lru-cache');
const { listen } = require('./lib/listen.cjs');

const cured = process.argv[2] === 'cured';
const cache = new LRUCache({ ttl: 3_600_000, ...(cured && { max: 50 }) });

function describe(url) {
  return Array.from({ length: 400 }, (_, i) => ({ url: `${url}#${i}`, title: `Section ${i}`, words: [i, i + 1] })); // guilty
}

function pageOf(url) {
  let page = cache.get(url);
  if (page === undefined) {
    page = describe(url); // guilty
    cache.set(url, page); // guilty
  }
  return page;
}

const app = express();
app.get('/pages/:id', (request, response) => {
  response.json({ sections: pageOf(request.url).length });
});
listen(app);
