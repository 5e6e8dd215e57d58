// graphql/graphql-js#3958, #2185: the rule that compares all fields with all others takes seconds for one hostile query.
'use strict';
const express = require('express');
const { buildSchema, execute, parse, validate } = require('graphql');
const { listen } = require('./lib/listen.cjs');

const cured = process.argv[2] === 'cured';
const schema = buildSchema('type Query { hello: String }');

function answer(source) {
  const document = parse(source, { ...(cured && { maxTokens: 200 }) });
  const errors = validate(schema, document); // guilty
  return errors.length > 0 ? { errors } : execute({ schema, document, rootValue: { hello: 'world' } });
}

const app = express();
app.get('/graphql/:n', (request, response) => {
  const times = Number(request.params.n) % 10 === 0 ? 6000 : 1;
  try {
    response.json(answer(`{ ${'hello '.repeat(times)} }`));
  } catch (error) {
    response.status(400).json({ error: error.message });
  }
});
listen(app);
