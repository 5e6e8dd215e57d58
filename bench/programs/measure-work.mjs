import { setTimeout as sleep } from 'node:timers/promises';

const SETTLE_MS = 300;

/**
 * Runs the work once to warm up, lets start-up settle, then prints its CPU and wall time as JSON.
 *
 * @param {(share: number) => Promise<void>} work
 */
export async function measureWork(work) {
  await work(0.05);
  await sleep(SETTLE_MS);
  const startCpu = process.cpuUsage();
  const start = performance.now();
  await work(1);
  const wallMs = performance.now() - start;
  const { user, system } = process.cpuUsage(startCpu);
  console.log(JSON.stringify({ cpuMs: (user + system) / 1000, wallMs }));
}
