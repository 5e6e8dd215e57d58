// node-cache/node-cache#147, #271: each read from the cache copies the whole value.
'use strict';
const express = require('express');
const NodeCache = require('node-cache');
const { listen } = require('./lib/listen.cjs');

const cured = process.argv[2] === 'cured';
const cache = new NodeCache({ useClones: !cured });
const policies = Array.from({ length: 12_000 }, (_, id) => ({
  id,
  names: ['a', 'b'],
  rule: { allow: true, ports: [1] },
}));
cache.set('policies', policies);

function policy(id) {
  return cache.get('policies')[id]; // guilty
}

const app = express();
app.get('/policies/:id', (request, response) => {
  response.json(policy(Number(request.params.id)));
});
listen(app);
