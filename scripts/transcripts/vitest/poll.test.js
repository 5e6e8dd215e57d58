import { test } from 'vitest';

test('polls', async () => {
  const prices = [];
  setInterval(() => prices.push(1), 10);
});

test('hashes', () => {
  const start = process.cpuUsage();
  while (process.cpuUsage(start).user < 800_000);
});
