/**
 * The processes in which labs do their work, each in one of its own, so that memory and CPU time are of that work alone.
 * Built as dist/lab-programs.cjs, which their worker threads load too.
 */
import { rmSync } from 'node:fs';
import { isMainThread, workerData } from 'node:worker_threads';
import { cpuPool } from './cpu-pool.ts';
import { fanOut } from './fan-out.ts';
import { fileWrites } from './file-writes.ts';
import { loopThroughput } from './loop-throughput.ts';
import { taskMemory } from './task-memory.ts';
import { LAB_FOLDER, type Order, type Program, type Reply } from './types.ts';
import { runJob } from './worker.ts';

const programs: Readonly<Record<string, Program>> = {
  'cpu-pool': cpuPool,
  'fan-out': fanOut,
  'file-writes': fileWrites,
  'loop-throughput': loopThroughput,
  'task-memory': taskMemory,
};

function serve(): void {
  // The channel to the lab keeps this process alive, so whatever ends the lab ends it; signals of the terminal reach both.
  process.on('disconnect', () => process.exit());
  const folder = process.env[LAB_FOLDER];
  // After the agent, which has listened before.
  if (folder) process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {});
  process.once('message', async (order: Order) => {
    try {
      const program = programs[order.program];
      if (!program) throw new Error(`there is no program ${order.program}`);
      reply({ figures: await program(order.way, order.options, (share) => reply({ share })) });
    } catch (error) {
      reply({ error: error instanceof Error ? error.message : String(error) });
    }
  });
}

function reply(answer: Reply): void {
  // The lab may have gone.
  if (process.connected) process.send?.(answer, undefined, undefined, () => {});
}

if (isMainThread) serve();
// A failure is an unhandled rejection, which ends the thread: the process gets it as an error event.
else void runJob(workerData);
