// ajv-validator/ajv#1763, modelcontextprotocol/typescript-sdk#2605: the schema is compiled for each request, and ajv keeps them all.
'use strict';
const Ajv = require('ajv');
const express = require('express');
const { listen } = require('./lib/listen.cjs');

const cured = process.argv[2] === 'cured';
const ajv = new Ajv();

function schemaOf() {
  const field = {
    type: 'object',
    properties: { n: { type: 'integer', minimum: 0 }, s: { type: 'string', maxLength: 9 } },
  };
  return { type: 'object', properties: Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`f${i}`, field])) };
}

const known = ajv.compile(schemaOf());

function check(order) {
  const validate = cured ? known : ajv.compile(schemaOf()); // guilty
  return validate(order);
}

const app = express();
app.get('/orders/:n', (request, response) => {
  response.json({ valid: check({ f1: { n: Number(request.params.n), s: 'x' } }) });
});
listen(app);
