// Lives for computing: while it does, only its parent waits for it, and knows.
import { createHash } from 'node:crypto';

const JOB_MS = 150;

function scoreOf(text) {
  const endMs = performance.now() + JOB_MS;
  let hash = text;
  while (performance.now() < endMs) hash = createHash('sha256').update(hash).digest('hex');
  return Number.parseInt(hash.slice(0, 8), 16);
}

process.on('message', ({ job, text }) => process.send({ job, score: scoreOf(text) }));
