// Three hundred intervals of 0.1 to 1 second, as a scheduler of many small jobs has them.
import { setTimeout as delay } from 'node:timers/promises';

const JOBS = 300;
let rounds = 0;

function createJob(n) {
  const readings = [];
  return async () => {
    await delay(n % 10);
    readings.push(n * rounds);
    if (readings.length > 100) readings.shift();
    rounds++;
  };
}

const timers = Array.from({ length: JOBS }, (_, n) => setInterval(createJob(n), 100 + n * 3));
process.once('SIGTERM', () => timers.forEach(clearInterval));
process.once('exit', () => console.log(`did ${rounds} rounds`));
