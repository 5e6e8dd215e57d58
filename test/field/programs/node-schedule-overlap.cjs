// node-schedule/node-schedule#682, #438: the next run of a job begins while the runs before are still under way.
'use strict';
const http = require('node:http');
const schedule = require('node-schedule');
const { endInTime } = require('./lib/listen.cjs');

const cured = process.argv[2] === 'cured';
let running = 0;

function getText(path) {
  return new Promise((resolve, reject) => {
    const request = http.get({ port: process.env.HTTP_PORT, path }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part) => {
        text += part;
      });
      response.on('end', () => resolve(text));
    });
    request.on('error', reject);
  });
}

async function importOrders() {
  const pages = [1, 2, 3].map((page) => getText(`/orders/${page}?slower=450`));
  return (await Promise.all(pages)).length; // guilty
}

async function job() {
  if (cured && running > 0) return;
  running++;
  await importOrders(); // guilty
  running--;
}

schedule.scheduleJob('* * * * * *', job); // guilty
endInTime();
