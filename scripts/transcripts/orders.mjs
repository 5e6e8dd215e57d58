// A small server whose bank does not answer.
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

const answers = new Map();

async function placeOrder(id) {
  await chargeCard(id);
}

async function chargeCard(id) {
  await new Promise((resolve) => answers.set(id, resolve));
}

let notified;
let archived;

async function archive() {
  await notified;
}

async function notify() {
  await archived;
}

async function poll() {
  for (;;) await sleep(30_000);
}

function reportMetrics() {}

setInterval(reportMetrics, 15_000);
createServer().listen(0, () => {
  for (let id = 0; id < 12; id++) placeOrder(id);
  poll();
  notified = Promise.resolve().then(notify);
  archived = archive();
  setTimeout(() => console.log('ready'), 100);
});
