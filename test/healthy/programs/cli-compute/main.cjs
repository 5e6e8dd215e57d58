// A command that computes for about a second, synchronously, and ends: that is all that it is for.
const COMPUTE_MS = 1000;

function collatzLength(start) {
  let length = 1;
  for (let n = start; n !== 1; length++) n = n % 2 === 0 ? n / 2 : 3 * n + 1;
  return length;
}

let longest = { start: 1, length: 1 };
const endMs = performance.now() + COMPUTE_MS;
for (let start = 2; performance.now() < endMs; start++) {
  const length = collatzLength(start);
  if (length > longest.length) longest = { start, length };
}
console.log(`did 1 search, ${longest.start} takes ${longest.length} steps`);
