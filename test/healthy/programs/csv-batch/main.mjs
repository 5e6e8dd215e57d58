// A batch script: a large CSV through object streams, line by line, as fast as it goes; then it ends by itself.
import { createReadStream, createWriteStream } from 'node:fs';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';

function splitLines() {
  let rest = '';
  return new Transform({
    readableObjectMode: true,
    decodeStrings: true,
    transform(chunk, _encoding, done) {
      const lines = (rest + chunk.toString('latin1')).split('\n');
      rest = lines.pop();
      for (const line of lines) this.push(line);
      done();
    },
    flush(done) {
      done(null, rest || null);
    },
  });
}

function parse() {
  let columns;
  return new Transform({
    objectMode: true,
    transform(line, _encoding, done) {
      const values = line.split(',');
      if (columns) return done(null, Object.fromEntries(columns.map((column, i) => [column, values[i]])));
      columns = values;
      done();
    },
  });
}

const sums = new Map();
let lines = 0;

function sumUp() {
  return new Transform({
    objectMode: true,
    transform({ country, amount, price, id }, _encoding, done) {
      lines++;
      const total = amount * price;
      sums.set(country, (sums.get(country) ?? 0) + total);
      done(null, `${id};${total.toFixed(2)}\n`);
    },
  });
}

await pipeline(createReadStream('sales.csv'), splitLines(), parse(), sumUp(), createWriteStream('totals.csv'));
console.log(`did ${lines} lines, ${sums.size} countries`);
