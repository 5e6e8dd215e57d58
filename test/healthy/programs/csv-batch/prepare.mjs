import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

const LINES = 400_000;
const LINES_PER_CHUNK = 1000;

function* chunks() {
  yield 'id,country,product,amount,price\n';
  for (let first = 0; first < LINES; first += LINES_PER_CHUNK) {
    let chunk = '';
    for (let id = first; id < first + LINES_PER_CHUNK; id++) {
      chunk += `${id},country ${id % 50},product ${(id * 7919) % 10_000},${id % 9},${(id % 1000) / 100}\n`;
    }
    yield chunk;
  }
}

await pipeline(Readable.from(chunks()), createWriteStream('sales.csv'));
