import { create, process } from '../primordials.ts';
import { countWaiting } from '../waiting.ts';
import type { Sampler } from './types.ts';

/** Kinds of resources kept apart; the rest is counted together. */
const MAX_TYPES = 40;

/** What keeps the process alive, by type, as Node names it (referenced resources only). */
export const activeResources: Sampler = {
  id: 'active-resources',
  title: 'active resources',
  level: 'watch',
  thread: 'observed',
  cost: '5 µs with ten resources, 0.3–0.6 ms with 15 000, once a second',
  start() {
    return {
      read() {
        const list = process.getActiveResourcesInfo();
        const counts: Record<string, number> = create(null);
        let types = 0;
        for (const name of list) {
          if (counts[name] === undefined && ++types > MAX_TYPES) counts.other = (counts.other ?? 0) + 1;
          else counts[name] = (counts[name] ?? 0) + 1;
        }
        return { type: 'active-resources', total: list.length, counts: { ...counts }, waiting: countWaiting(list) };
      },
      stop() {},
    };
  },
};
