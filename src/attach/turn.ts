/** Several evdiag may want to load the agent into one process: one after the other. */
import { createServer, type Server } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { startTicks } from './process/state.ts';

const POLL_MS = 20;

/**
 * Runs when no other evdiag does this with that process, or after `patienceMs`. Whose turn it is has a socket of this name in the abstract
 * namespace of Linux, which goes with its process,
 * however that ends.
 */
export async function inTurn<T>(pid: number, patienceMs: number, work: () => Promise<T>): Promise<T> {
  const giveUpAt = performance.now() + patienceMs;
  const name = `\0evdiag-attach-${pid}-${startTicks(pid)}`;
  let turn = await take(name);
  while (turn === 'taken' && performance.now() < giveUpAt) {
    await pause(POLL_MS);
    turn = await take(name);
  }
  try {
    return await work();
  } finally {
    if (turn !== 'taken') turn?.close();
  }
}

/** Null where the system has no such names: then nobody waits. */
function take(name: string): Promise<Server | 'taken' | null> {
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy());
    server.unref();
    server.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code === 'EADDRINUSE' ? 'taken' : null));
    server.listen(name, () => resolve(server));
  });
}
