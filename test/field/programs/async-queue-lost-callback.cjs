// caolan/async#1439, #1136: the worker does not call back on one path; when all of them sit there, the queue stands.
'use strict';
const async = require('async');
const express = require('express');
const { listen } = require('./lib/listen.cjs');

const cured = process.argv[2] === 'cured';

const mails = async.queue((mail, done) => {
  setTimeout(() => {
    if (mail.to.endsWith('9')) {
      if (cured) done(new Error('no such address'));
      return;
    }
    done(null, mail.to);
  }, 20);
}, 4);

async function send(to) {
  return await mails.pushAsync({ to }); // guilty
}

const app = express();
app.get('/send/:to', async (request, response) => {
  try {
    response.json({ sent: await send(request.params.to) });
  } catch (error) {
    response.status(400).json({ error: error.message });
  }
});
listen(app);
