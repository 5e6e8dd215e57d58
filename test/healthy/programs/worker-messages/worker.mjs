import { parentPort } from 'node:worker_threads';

const STEP_PIXELS = 4;

parentPort.on('message', ({ id, picture }) => {
  const histogram = new Uint32Array(256);
  for (let radius = 0; radius < STEP_PIXELS; radius++) {
    for (let pixel = radius; pixel < picture.length; pixel++)
      histogram[(picture[pixel] + picture[pixel - radius]) >> 1]++;
  }
  parentPort.postMessage({ id, histogram }, [histogram.buffer]);
});
