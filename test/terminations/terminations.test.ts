import { expect, it } from 'vitest';
import { inLab } from '../support/run-agent.ts';
import { terminate } from '../support/terminations.ts';

/** Of worker threads in Atomics.wait, in several processes at once. */
const COUNT = Number(process.env.TERMINATIONS ?? 5000);
const PROCESSES = 4;
const HOURS = 3600_000;
/** With the lowest priority on a busy machine, minutes pass without one. */
const hangMs = 600_000;

it(
  `${COUNT} waiting worker threads end when they are terminated, and so do those that compute, or call async hooks`,
  inLab(async (lab) => {
    const share = Math.ceil(COUNT / PROCESSES);
    const states = ['waiting', 'waiting', 'waiting', 'tasks'];
    const waiting = Array.from({ length: PROCESSES }, (_, i) =>
      terminate(lab, { count: share, atOnce: 4, states, hangMs, level: i % 2 === 0 ? 'watch' : 'diagnose' }),
    );
    // All are waited for: what one says would be lost in what the others leave.
    const ends = await Promise.allSettled(waiting);
    expect(ends).toEqual(waiting.map(() => ({ status: 'fulfilled', value: `ended ${share}` })));
    const hooked = ['resources', 'resourcesBelow', 'parent', 'computing'];
    const pairs = { count: Math.ceil(COUNT / 20), atOnce: 4, level: 'diagnose', hangMs } as const;
    expect(await terminate(lab, { ...pairs, states: hooked })).toBe(`ended ${pairs.count}`);
    const others = ['computing', 'allocating', 'turning', 'large', 'exiting', 'native', 'sleeping'];
    const count = Math.ceil(COUNT / 20);
    expect(await terminate(lab, { count, atOnce: 8, states: others, level: 'diagnose', hangMs })).toBe(
      `ended ${count}`,
    );
  }),
  2 * HOURS,
);
