function isPrime(n) {
  for (let divisor = 2; divisor * divisor <= n; divisor++) if (n % divisor === 0) return false;
  return true;
}

/** Counts primes from `from` for that long: an amount of work that fits every machine. */
export default function countPrimes({ from, ms }) {
  const endMs = performance.now() + ms;
  let primes = 0;
  let n = from;
  for (; performance.now() < endMs; n++) if (isPrime(n)) primes++;
  return { from, to: n, primes };
}
