import { mkdirSync, writeFileSync } from 'node:fs';

const FILES = 12;
const FUNCTIONS = 12_000;

mkdirSync('source');
for (let file = 0; file < FILES; file++) {
  const text = Array.from(
    { length: FUNCTIONS },
    (_, n) => `function name${n}(first, second) { return first + second * ${n}; }`,
  );
  writeFileSync(`source/${file}.js`, text.join('\n'));
}
