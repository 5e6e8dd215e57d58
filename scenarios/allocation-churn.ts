import { runIfMain, steadyLoad, withServer } from './support.ts';
import type { Headline, Scenario } from './types.ts';

/** About 20 ms with fresh objects, most of it the collector's. */
const STEPS = 600_000;
/** Every second point stays on the chart until so many came after it: it is copied twice, and dies soon after. */
const WINDOW = 32_768;

interface Point {
  x: number;
  y: number;
  tags: string[];
  at: { step: number };
}

const chart: Point[] = [];

function plotFresh(): string {
  let sum = 0;
  // biome-ignore format: the mark ends the line it means
  for (let step = 0; step < STEPS; step++) { // guilty
    const point: Point = { x: step, y: step & 127, tags: ['live'], at: { step } }; // guilty
    sum += point.x * point.y + point.tags.length; // guilty
    if (step & 1) chart[(step >> 1) % WINDOW] = point; // guilty
  }
  return String(sum);
}

const xs = new Float64Array(WINDOW);
const ys = new Float64Array(WINDOW);
const tags = ['live'];

/** The same chart as columns: each point is written over the oldest one. */
function plotReusing(): string {
  let sum = 0;
  for (let step = 0; step < STEPS; step++) {
    const y = step & 127;
    sum += step * y + tags.length;
    if (!(step & 1)) continue;
    const slot = (step >> 1) % WINDOW;
    xs[slot] = step;
    ys[slot] = y;
  }
  return String(sum);
}

function serve(plot: () => string): Promise<Headline> {
  return withServer({ '/plot': plot }, async (get) => {
    const { requests, pingMs } = await steadyLoad(get, '/plot', 10);
    return { what: `95 of 100 pings beside ${requests} plots of ${STEPS} points`, value: pingMs, unit: 'ms' };
  });
}

export const allocationChurn: Scenario = {
  id: 'allocation-churn',
  title: 'Fresh objects at every step',
  description:
    'Each step makes four objects that live just long enough for the collector to copy them around before they die.',
  expect: [{ rule: 'gc-pressure', kind: 'allocation' }],
  broken: () => serve(plotFresh),
  fixed: () => serve(plotReusing),
};

runIfMain(import.meta.url, allocationChurn);
