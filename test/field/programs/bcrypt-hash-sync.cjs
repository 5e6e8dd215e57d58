// kelektiv/node.bcrypt.js#443, yorkie/me#9: the native add-on in its synchronous form.
'use strict';
const bcrypt = require('bcrypt');
const express = require('express');
const { listen } = require('./lib/listen.cjs');

const cured = process.argv[2] === 'cured';

async function register(password) {
  if (cured) return bcrypt.hash(password, 11);
  return bcrypt.hashSync(password, 12); // guilty
}

const app = express();
app.get('/register/:password', async (request, response) => {
  response.json({ hash: await register(request.params.password) });
});
listen(app);
