/** The second thread that reads a heap snapshot: takes pieces of its arrays from the back. Built as dist/heap-worker.cjs. */
import { closeSync, openSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { Taker } from './pieces.ts';
import { scanKernel } from './scan-kernel.ts';
import { jobsOf, type SharedRead } from './shared-read.ts';

const read = workerData as SharedRead;
const descriptor = openSync(read.path, 'r');
try {
  const kernel = scanKernel();
  const { nodes, edges } = jobsOf(read);
  // The other thread begins with the nodes.
  const takers = [edges, nodes].map((job) => new Taker(kernel, descriptor, job, true));
  let state: ReturnType<Taker['take']> = 'none';
  for (const taker of takers) {
    do state = taker.take();
    while (state === 'done');
    if (state === 'strange') break;
  }
  const [ofEdges, ofNodes] = takers.map(({ stored }) => stored);
  parentPort?.postMessage(state === 'strange' ? null : { nodes: ofNodes, edges: ofEdges });
} finally {
  closeSync(descriptor);
}
