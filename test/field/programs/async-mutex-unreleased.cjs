// MetaMask/core#195: an error is thrown before the mutex has been released.
'use strict';
const { setTimeout: delay } = require('node:timers/promises');
const express = require('express');
const { Mutex } = require('async-mutex');
const { listen } = require('./lib/listen.cjs');

const cured = process.argv[2] === 'cured';
const mutex = new Mutex();
let balance = 1000;

async function transfer(amount) {
  const release = await mutex.acquire(); // guilty
  await delay(5);
  if (amount === 60) {
    if (cured) release();
    throw new Error('no such account');
  }
  balance -= amount;
  release();
  return balance;
}

const app = express();
app.get('/transfer/:amount', async (request, response) => {
  try {
    response.json({ left: await transfer(Number(request.params.amount)) });
  } catch (error) {
    response.status(404).json({ error: error.message });
  }
});
listen(app);
