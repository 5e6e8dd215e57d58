import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

/** Both add one to each number that they get, and send 0 when they are ready. As text they need no file beside the bundle. */
const WORKER_SOURCE = `
  const { parentPort } = require('node:worker_threads');
  parentPort.on('message', (sum) => parentPort.postMessage(sum + 1));
  parentPort.postMessage(0);
`;
const CHILD_SOURCE = `
  process.on('message', (sum) => process.send(sum + 1));
  process.send(0);
`;

/** A second party: a worker or a child process. */
export interface Peer {
  /** One after the other; resolves to the number of answers. */
  roundTrips(count: number): Promise<number>;
  close(): Promise<void>;
}

/** Resolves when the worker has answered for the first time. */
export async function startWorker(): Promise<Peer> {
  // Without our execArgv: a debugger's flags are meant for this thread.
  const worker = new Worker(WORKER_SOURCE, { eval: true, execArgv: [] });
  const close = async () => void (await worker.terminate());
  return peerOf(worker, (sum) => worker.postMessage(sum), close);
}

/**
 * Resolves when the child has answered for the first time. It is a child as `fork` makes it. Only its channel to us keeps
 * it alive, so whatever ends us ends it.
 */
export async function startChild(): Promise<Peer> {
  const child = spawn(process.execPath, ['-e', CHILD_SOURCE], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
  return peerOf(
    child,
    (sum) => child.send(sum),
    () => end(child),
  );
}

async function peerOf(
  party: Worker | ChildProcess,
  send: (sum: number) => void,
  close: () => Promise<void>,
): Promise<Peer> {
  // An error between two conversations would be uncaught; the next conversation sees the exit.
  party.on('error', () => {});
  await converse(party, () => true);
  return {
    async roundTrips(count) {
      let answers = 0;
      const ended = converse(party, (sum) => {
        answers = sum;
        if (sum === count) return true;
        send(sum);
        return false;
      });
      send(0);
      await ended;
      return answers;
    },
    close,
  };
}

/** Passes each message to `hear` until that returns true; rejects if the party ends before. */
function converse(party: Worker | ChildProcess, hear: (sum: number) => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const onMessage = (sum: number) => {
      if (hear(sum)) settle(resolve);
    };
    const onError = (error: Error) => settle(() => reject(error));
    const onExit = (code: number | null) => settle(() => reject(new Error(`it ended with exit code ${code}`)));
    function settle(result: () => void): void {
      party.off('message', onMessage).off('error', onError).off('exit', onExit);
      result();
    }
    party.on('message', onMessage).on('error', onError).on('exit', onExit);
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL'); // it has nothing to lose, and should not be dying while the next batch runs
  await gone;
}
