import { once } from 'node:events';
import { parentPort, Worker } from 'node:worker_threads';
import { requester } from './requests.ts';
import { sumOf } from './sum.ts';
import type { WorkerJob } from './types.ts';

/** In a worker thread: what it is started for. Each kind posts its results, one message each. */
export async function runJob(job: WorkerJob): Promise<void> {
  const port = parentPort!;
  switch (job.kind) {
    case 'requests': {
      const { get, close } = requester(job.port);
      for (let i = 0; i < job.count; i++) await get();
      close();
      port.postMessage(job.count);
      return;
    }
    case 'sum':
      port.postMessage(sumOf(job.iterations));
      return;
    case 'sums':
      port.on('message', (iterations: number) => port.postMessage(sumOf(iterations)));
      port.postMessage(0);
      return;
    case 'idle':
      port.on('message', () => {});
      port.postMessage(0);
      return;
  }
}

export function startWorker(job: WorkerJob): Worker {
  // The file of this process: the threads have the same one.
  return new Worker(process.argv[1]!, { workerData: job, execArgv: [] });
}

/** The next message; rejects if the thread fails or ends before. */
export async function answerOf(worker: Worker): Promise<number> {
  const gone = new AbortController();
  const exited = once(worker, 'exit', gone).then(([code]) => {
    throw new Error(`a thread ended with exit code ${code}`);
  });
  try {
    // A failure is an error event, which rejects both.
    const [answer] = await Promise.race([once(worker, 'message', gone), exited]);
    return answer as number;
  } finally {
    gone.abort();
    exited.catch(() => {});
  }
}
