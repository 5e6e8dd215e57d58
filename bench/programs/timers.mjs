// Many short timers and immediates: each is a trip through the event loop.
import { measureWork } from './measure-work.mjs';

const WAVES = 400;
const TIMERS_PER_WAVE = 1_000;

function wave() {
  return new Promise((resolve) => {
    let open = TIMERS_PER_WAVE;
    const done = () => --open === 0 && resolve(null);
    for (let i = 0; i < TIMERS_PER_WAVE; i++) setTimeout(() => setImmediate(done), i % 4);
  });
}

await measureWork(async (share) => {
  for (let i = 0; i < WAVES * share; i++) await wave();
});
