import { writeFileSync } from 'node:fs';

const LINES = 600_000;

const lines = Array.from(
  { length: LINES },
  (_, n) => `2026-01-01T00:00:00Z ${n % 7 ? 'INFO' : 'WARN'} /path/${n % 997} ${(n * 31) % 500}`,
);
writeFileSync('access.log', `${lines.join('\n')}\n`);
