// File to gzip to hash to file, and back to see whether it is the same: streams that wait for each other.
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';

const LEVELS = [1, 6, 9];

function hashing(hash) {
  return new Transform({
    transform(chunk, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
}

async function hashOf(...streams) {
  const hash = createHash('sha256');
  await pipeline(...streams, async (chunks) => {
    for await (const chunk of chunks) hash.update(chunk);
  });
  return hash.digest('hex');
}

const original = await hashOf(createReadStream('backup.txt'));
for (const level of LEVELS) {
  const hash = createHash('sha256');
  const packed = createWriteStream('backup.gz');
  await pipeline(createReadStream('backup.txt'), createGzip({ level }), hashing(hash), packed);
  const unpacked = await hashOf(createReadStream('backup.gz'), createGunzip());
  if (unpacked !== original) throw new Error(`level ${level} came back different, packed ${hash.digest('hex')}`);
}
console.log(`did ${LEVELS.length} backups`);
