import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { profile } from '../../src/library/profile.ts';

/** CPU time, so that a busy host makes it no shorter. */
function burn(ms: number): number {
  let sum = 0;
  for (const start = process.cpuUsage(); process.cpuUsage(start).user < ms * 1000; ) sum += busy(20_000);
  return sum;
}

function busy(rounds: number): number {
  let sum = 0;
  for (let i = 0; i < rounds; i++) sum += Math.sqrt(i);
  return sum;
}

describe('profile', () => {
  test('a function that ran hot before is seen with its place and most of the time', async () => {
    burn(150);
    // It calls what is hot, and has little time of its own.
    const result = await profile(() => burn(150), { intervalUs: 500, top: 1000 });
    expect(result.value).toBeGreaterThan(0);
    const own = result.functions.filter(({ location }) => location?.file === import.meta.filename);
    const selfMs = own.reduce((sum, one) => sum + one.selfMs, 0);
    const names = own.map((one) => one.function);
    expect(names).toContain('burn');
    expect(selfMs / result.busyMs, JSON.stringify(result.functions)).toBeGreaterThan(0.5);
    const found = own.find((one) => one.function === 'burn')!;
    expect(found.location!.line).toBe(6);
    expect(found.totalMs / result.busyMs).toBeGreaterThan(0.6);
    expect(found.totalMs).toBeGreaterThanOrEqual(found.selfMs);
    expect(result.cpuProfile.nodes.length).toBeGreaterThan(1);
    expect(result.sampleCount).toBe(result.cpuProfile.samples!.length);
  });

  test('a warm function that V8 would inline counts for itself', async () => {
    const handle = (): number => Array.from({ length: 10 }, () => busy(10_000)).reduce((sum, one) => sum + one);
    const all = (): void => {
      for (let i = 0; i < 1000; i++) handle();
    };
    all();
    const { functions, busyMs } = await profile(all);
    const found = functions.find((one) => one.function === 'busy');
    expect(found?.selfMs ?? 0, JSON.stringify(functions)).toBeGreaterThan(0.7 * busyMs);
  });

  test('asynchronous functions, overlapping and nested profiles', async () => {
    const work = async (): Promise<void> => {
      await sleep(5);
      burn(40);
    };
    const all = { top: 1000 };
    const results = await Promise.all([profile(work, all), profile(() => profile(work), all), profile(work, all)]);
    for (const { functions, busyMs } of results) {
      expect(functions.map((one) => one.function)).toContain('burn');
      expect(busyMs).toBeGreaterThan(20);
    }
  });

  test('throws what the function throws, and leaves the profiler to others', async () => {
    await expect(
      profile(() => {
        throw new Error('its own');
      }),
    ).rejects.toThrow('its own');
    await expect(profile(() => Promise.resolve(3))).resolves.toMatchObject({ value: 3 });
  });
});
