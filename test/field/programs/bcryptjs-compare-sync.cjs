// dcodeIO/bcrypt.js#39, medplum/medplum#8377: passwords are compared in JavaScript, within the request.
'use strict';
const bcrypt = require('bcrypt');
const bcryptjs = require('bcryptjs');
const express = require('express');
const { listen } = require('./lib/listen.cjs');

const cured = process.argv[2] === 'cured';
const stored = bcrypt.hashSync('secret', 11);

async function isRight(password) {
  return cured ? bcrypt.compare(password, stored) : bcryptjs.compareSync(password, stored); // guilty
}

const app = express();
app.get('/login/:password', async (request, response) => {
  response.sendStatus((await isRight(request.params.password)) ? 200 : 401);
});
listen(app);
