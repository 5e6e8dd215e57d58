// Reads a log line by line through async generators: several awaits for each line, as fast as it goes.
import { createReadStream } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';

const SAVE_AT = 5000;

async function* parsed(lines) {
  for await (const line of lines) {
    const [time, level, path, ms] = line.split(' ');
    yield { time, level, path, ms: Number(ms) };
  }
}

async function* onlyOf(level, entries) {
  for await (const entry of entries) if (entry.level === level) yield entry;
}

async function* inGroups(size, entries) {
  let group = [];
  for await (const entry of entries) {
    group.push(entry);
    if (group.length < size) continue;
    yield group;
    group = [];
  }
  yield group;
}

let lines = 0;
async function* counted(input) {
  for await (const line of input) {
    lines++;
    yield line;
  }
}

const log = createInterface({ input: createReadStream('access.log'), crlfDelay: Number.POSITIVE_INFINITY });
for await (const group of inGroups(SAVE_AT, onlyOf('WARN', parsed(counted(log))))) {
  await appendFile('warnings.log', group.map(({ time, path }) => `${time} ${path}\n`).join(''));
}
console.log(`did ${lines} lines`);
