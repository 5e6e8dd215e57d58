// lodash/lodash#5535, keen/explorer#97: each request gets its own deep copy of what all share.
'use strict';
const express = require('express');
const _ = require('lodash');
const { listen } = require('./lib/listen.cjs');

const cured = process.argv[2] === 'cured';
const settings = Array.from({ length: 80_000 }, (_value, id) => ({
  id,
  labels: ['a', 'b'],
  limits: { cpu: 1, memory: id },
}));

function settingsFor(tenant) {
  const own = cured ? settings : _.cloneDeep(settings); // guilty
  return { tenant, first: own[0] };
}

const app = express();
app.get('/settings/:tenant', (request, response) => {
  response.json(settingsFor(request.params.tenant));
});
listen(app);
