import { type Route, runIfMain, steadyLoad, withServer } from './support.ts';
import type { Headline, Scenario } from './types.ts';

/** Together 42 000 seats are held and let go within about 20 ms, again and again. */
const CLIENTS = 3;
const SEATS = 14_000;
const SHORTEST_MS = 5;
const LONGEST_MS = 15;
const TICK_MS = 5;

const heldMs = Array.from({ length: SEATS }, (_, seat) => SHORTEST_MS + (seat % (LONGEST_MS - SHORTEST_MS + 1)));

/** A timer per seat: each one is an object, a place in a list, and a call of its own. */
function holdByTimers(): Promise<string> {
  const held = new Uint8Array(SEATS).fill(1);
  let left = SEATS;
  return new Promise((resolve) => {
    // biome-ignore format: the mark ends the line it means
    const release = (seat: number) => { // guilty
      held[seat] = 0; // guilty
      left--; // guilty
      if (left === 0) resolve(String(held.indexOf(1)));
    };
    for (let seat = 0; seat < SEATS; seat++) setTimeout(release, heldMs[seat]!, seat); // guilty
  });
}

/** One timer and a wheel of slots: what expires in the same tick is in the same slot. */
function holdByWheel(): Promise<string> {
  const held = new Uint8Array(SEATS).fill(1);
  const slots: number[][] = Array.from({ length: Math.ceil(LONGEST_MS / TICK_MS) }, () => []);
  for (let seat = 0; seat < SEATS; seat++) slots[Math.ceil(heldMs[seat]! / TICK_MS) - 1]!.push(seat);
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      for (const seat of slots.shift()!) held[seat] = 0;
      if (slots.length > 0) return;
      clearInterval(timer);
      resolve(String(held.indexOf(1)));
    }, TICK_MS);
  });
}

function serve(hold: Route): Promise<Headline> {
  return withServer({ '/hold': hold }, async (get) => {
    const { requests, pingMs } = await steadyLoad(get, '/hold', 10, CLIENTS);
    return { what: `95 of 100 pings beside ${requests} requests to hold ${SEATS} seats`, value: pingMs, unit: 'ms' };
  });
}

export const timerStorm: Scenario = {
  id: 'timer-storm',
  title: 'A timer for every seat',
  description:
    'Each of tens of thousands of seats is held by a timer of its own; the loop does little else than keep them.',
  expect: [{ rule: 'timer-storm', kind: 'timers' }],
  broken: () => serve(holdByTimers),
  fixed: () => serve(holdByWheel),
};

runIfMain(import.meta.url, timerStorm);
