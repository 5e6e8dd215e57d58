// Gives computation to a child process, one job at a time, and stays free itself.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const JOBS = 20;
const child = fork(fileURLToPath(new URL('scorer.mjs', import.meta.url)));
const scores = [];
let beats = 0;
const beating = setInterval(() => beats++, 20);

for (let job = 0; job < JOBS; job++) {
  child.send({ job, text: `text of job ${job} `.repeat(50) });
  const [{ score }] = await once(child, 'message');
  scores.push(score);
}
clearInterval(beating);
child.disconnect();
await once(child, 'exit');
console.log(`did ${scores.length} jobs, ${beats} beats`);
