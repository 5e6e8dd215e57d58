/** Computes for about two nanoseconds per iteration; the result depends on each of them. */
export function sumOf(iterations: number): number {
  let sum = 0;
  for (let i = 1; i <= iterations; i++) sum += Math.sqrt(i);
  return sum;
}
