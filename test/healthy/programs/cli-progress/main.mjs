// A command that computes for some seconds and draws its progress: it yields every few milliseconds, so that the timer
// that draws is on time. Its loop is fully used from start to end, as it is meant to be.
import { writeFile } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';

const PIECE_MS = 8;
const DRAW_EVERY_MS = 100;
const COMPUTE_MS = 4000;

function isPrime(n) {
  for (let divisor = 3; divisor * divisor <= n; divisor += 2) if (n % divisor === 0) return false;
  return true;
}

let tested = 3;
let primes = 1;
let drawn = 0;
const drawing = setInterval(async () => {
  drawn++;
  await writeFile('progress.txt', `${primes} primes below ${tested}\n`);
}, DRAW_EVERY_MS);

const endMs = performance.now() + COMPUTE_MS;
while (performance.now() < endMs) {
  const pieceEndMs = performance.now() + PIECE_MS;
  for (; performance.now() < pieceEndMs; tested += 2) if (isPrime(tested)) primes++;
  await nextTurn();
}
clearInterval(drawing);
console.log(`did 1 search, ${primes} primes, drawn ${drawn} times`);
