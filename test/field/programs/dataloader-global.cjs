// graphql/dataloader#200, OpenCTI-Platform/opencti#2878: one loader for the whole process; its cache is never cleared.
'use strict';
const DataLoader = require('dataloader');
const express = require('express');
const { listen } = require('./lib/listen.cjs');

const cured = process.argv[2] === 'cured';

async function findUsers(ids) {
  return ids.map((id) => ({ id, rights: Array.from({ length: 900 }, (_, i) => ({ id: i, name: `${id}:${i}` })) })); // guilty
}

const newLoader = () => new DataLoader(findUsers);
const users = newLoader();

const app = express();
app.get('/users/:id', async (request, response) => {
  const loader = cured ? newLoader() : users;
  const user = await loader.load(request.params.id); // guilty
  response.json({ rights: user.rights.length });
});
listen(app);
