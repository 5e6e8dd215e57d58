import { runIfMain, steadyLoad, withServer } from './support.ts';
import type { Headline, Scenario } from './types.ts';

const UPLOAD_BYTES = 4e6;
/** 8 bytes each: 80 kB. */
const PIXELS = 10_000;
/** The latest uploads are looked at again. */
const RECENT = 12;
const CLIENTS = 6;
/** At level watch, what grows is sampled from its fifth collection on, for three seconds at least. */
const RUN_MS = 14_000;

type Upload = (number: number) => string;

const recent: Buffer[] = [];
/** What is told of each upload, for as long as the server runs. */
const captions: (() => string)[] = [];

function receive(number: number): Buffer {
  const upload = Buffer.alloc(UPLOAD_BYTES);
  upload.writeInt32LE(number, number * 4);
  recent[number % RECENT] = upload;
  return upload;
}

/** Two closures of one function share a context: the caption, which stays, holds the thumbnail of the other one. */
// biome-ignore format: the mark ends the line it means
function uploadSharing(number: number): string { // guilty
  const upload = receive(number);
  const thumbnail: number[] = [];
  for (let i = 0; i < PIXELS; i++) thumbnail.push(upload.readInt32LE(i * 40) / 4); // guilty
  const brightness = () => thumbnail.reduce((sum, pixel) => sum + pixel, 0); // guilty
  captions.push(() => `upload ${number}`); // guilty
  return String(brightness());
}

function captionOf(number: number): () => string {
  return () => `upload ${number}`;
}

/** The closure that stays is made where nothing else is. */
function uploadNarrow(number: number): string {
  const upload = receive(number);
  const thumbnail: number[] = [];
  for (let i = 0; i < PIXELS; i++) thumbnail.push(upload.readInt32LE(i * 40) / 4);
  const brightness = () => thumbnail.reduce((sum, pixel) => sum + pixel, 0);
  captions.push(captionOf(number));
  return String(brightness());
}

function serve(upload: Upload): Promise<Headline> {
  return withServer({ '/upload': (query) => upload(Number(query.get('number'))) }, async (get) => {
    const { requests, pingMs } = await steadyLoad(get, '/upload?number={i}', 200, CLIENTS, RUN_MS);
    return { what: `95 of 100 pings beside ${requests} uploads`, value: pingMs, unit: 'ms' };
  });
}

export const closureContextLeak: Scenario = {
  id: 'closure-context-leak',
  title: 'A small closure that keeps a large context',
  description:
    'A closure that is kept needs one number, but shares its context with another closure that uses a thumbnail.',
  expect: [{ rule: 'leak-suspect', kind: 'kept-objects' }],
  broken: () => serve(uploadSharing),
  fixed: () => serve(uploadNarrow),
};

runIfMain(import.meta.url, closureContextLeak);
