import { setTimeout as sleep } from 'node:timers/promises';

/** Leaves nothing behind. */
export async function tidyJob() {
  const heartbeat = setInterval(() => {}, 100);
  try {
    await sleep(10);
  } finally {
    clearInterval(heartbeat);
  }
}

/** Never clears its timer. */
export async function leakyJob() {
  setInterval(() => {}, 100);
  await sleep(10);
}
