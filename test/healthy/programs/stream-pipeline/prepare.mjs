import { writeFileSync } from 'node:fs';

const LINES = 250_000;

const lines = Array.from(
  { length: LINES },
  (_, n) => `${n} ${(n * 2_654_435_761) % 4_294_967_296} the quick brown fox ${n % 977} jumps`,
);
writeFileSync('backup.txt', lines.join('\n'));
