// auth0/node-jsonwebtoken#511: signing with a long RSA key is work of the main thread, whatever the form of the call.
'use strict';
const { generateKeyPairSync } = require('node:crypto');
const express = require('express');
const jwt = require('jsonwebtoken');
const { listen } = require('./lib/listen.cjs');

const cured = process.argv[2] === 'cured';
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 4096 });
const known = new Map();

function ticket(seat) {
  return jwt.sign({ seat }, privateKey, { algorithm: 'RS256' }); // guilty
}

function tickets(count) {
  if (cured && known.has(count)) return known.get(count);
  const signed = Array.from({ length: count }, (_, seat) => ticket(seat)); // guilty
  known.set(count, signed);
  return signed;
}

const app = express();
app.get('/tickets', (_request, response) => {
  response.json(tickets(cured ? 5 : 120));
});
listen(app);
