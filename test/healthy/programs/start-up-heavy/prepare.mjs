import { mkdirSync, writeFileSync } from 'node:fs';

const MODULES = 400;
const SETTINGS = 150_000;

mkdirSync('modules');
for (let n = 0; n < MODULES; n++) {
  const next = n % 10 === 9 || n + 1 === MODULES ? '' : `exports.next = require('./module${n + 1}.cjs');`;
  const functions = Array.from({ length: 40 }, (_, i) => `exports.function${i} = (value) => value * ${i} + ${n};`);
  writeFileSync(`modules/module${n}.cjs`, `${next}\n${functions.join('\n')}\n`);
}
const settings = Array.from({ length: SETTINGS }, (_, id) => ({
  id,
  name: `setting ${id}`,
  values: [id, id + 1],
  on: true,
}));
writeFileSync('settings.json', JSON.stringify({ settings }));
