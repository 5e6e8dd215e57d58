import { readFile, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { type Get, type Route, runIfMain, steadyLoad, withServer, withTempDir, withWorkers } from './support.ts';
import type { Headline, Scenario } from './types.ts';

/** Pixels of the square picture that a request draws; about 25 ms. */
const SIDE = 290;
const EVERY_MS = 35;
const CLIENTS = 2;

/** Draws the Mandelbrot set. Self-contained, as the workers get its source. */
function draw(side: number): number {
  let sum = 0;
  for (let pixel = 0; pixel < side * side; pixel++) {
    const x0 = ((pixel % side) / side) * 3 - 2;
    const y0 = (Math.floor(pixel / side) / side) * 2 - 1;
    let x = 0;
    let y = 0;
    // biome-ignore format: the mark ends the line it means
    for (let i = 0; i < 300 && x * x + y * y < 4; i++) { // guilty
      const next = x * x - y * y + x0; // guilty
      y = 2 * x * y + y0; // guilty
      x = next; // guilty
      sum++; // guilty
    }
  }
  return sum;
}

async function measure(get: Get): Promise<Headline> {
  const [{ requests, pingMs }] = await Promise.all([
    steadyLoad(get, '/picture', EVERY_MS, CLIENTS),
    steadyLoad(get, '/file', 10),
  ]);
  return { what: `95 of 100 pings beside ${requests} pictures`, value: pingMs, unit: 'ms' };
}

function serve(picture: Route): Promise<Headline> {
  return withTempDir(async (dir) => {
    const file = join(dir, 'page.html');
    await writeFile(file, '<p>page</p>'.repeat(1000));
    return withServer({ '/picture': picture, '/file': () => readFile(file, 'utf8') }, measure);
  });
}

export const mixedLoad: Scenario = {
  id: 'mixed-load',
  title: 'Computation and I/O on one loop',
  description:
    'Requests that compute for some 25 ms each share the loop with requests that only wait; a core is idle meanwhile.',
  expect: [{ rule: 'cpu-bound-main-thread', kind: 'computation' }],
  broken: () => serve(() => String(draw(SIDE))),
  fixed: () =>
    withWorkers(draw.toString(), availableParallelism(), (ask) => serve(async () => String(await ask(SIDE)))),
};

runIfMain(import.meta.url, mixedLoad);
