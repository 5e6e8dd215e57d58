import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { profile } from '../../src/library/profile.ts';
import type { AwaitSite, Profiled, ProfileFormat } from '../../src/library/types.ts';
import { readProfile } from '../../src/profile/read-profile.ts';
import { stacksOf } from '../support/profile.ts';
import { tempFolder } from '../support/recording.ts';
import { ROOT } from '../support/run-agent.ts';

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
    expect(found.location!.line).toBe(14);
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

async function query(ms: number): Promise<number> {
  await sleep(ms);
  return ms;
}

async function order(): Promise<void> {
  await Promise.all([query(60), query(20)]);
  for (let i = 0; i < 3; i++) await query(5);
  await new Promise((resolve) => setTimeout(resolve, 30));
}

/** Beside the function that is profiled, until it is told to end. */
async function unrelated(signal: { ended: boolean }): Promise<void> {
  while (!signal.ended) await new Promise((resolve) => setTimeout(resolve, 3));
}

/** By what is awaited. */
const siteOf = ({ waits }: { waits: AwaitSite[] }, code: string): AwaitSite | undefined =>
  waits.find((site) => site.code === code);

const countsOf = ({ waits }: { waits: AwaitSite[] }): Record<string, number> =>
  Object.fromEntries(waits.map(({ code, count }) => [code, count]));

describe('where a function waits', () => {
  const expected = {
    'await sleep(ms)': 5,
    'await new Promise((resolve) => setTimeout(resolve, 30))': 1,
    'await Promise.all([query(60), query(20)])': 1,
    'await query(5)': 3,
  };

  test('each await of its own with its line, how often and how long; nothing that goes on beside', async () => {
    const signal = { ended: false };
    const beside = unrelated(signal);
    const result = await profile(order);
    signal.ended = true;
    await beside;
    expect(countsOf(result)).toEqual(expected);
    const all = siteOf(result, 'await Promise.all([query(60), query(20)])')!;
    const slept = siteOf(result, 'await sleep(ms)')!;
    const timer = siteOf(result, 'await new Promise((resolve) => setTimeout(resolve, 30))')!;
    expect(slept).toMatchObject({ function: 'query', location: { file: import.meta.filename, line: 80, column: 3 } });
    expect(all.location.line).toBe(85);
    expect(timer.location.line).toBe(87);
    // Waiting for calls of its own is told with these; what waits at once counts for each.
    expect(all.selfMs).toBe(0);
    expect(siteOf(result, 'await query(5)')!.selfMs).toBe(0);
    expect(slept.selfMs).toBe(slept.totalMs);
    expect(slept.totalMs).toBeGreaterThan(all.totalMs);
    expect(all.totalMs).toBeGreaterThan(timer.totalMs);
    expect(slept.longestMs).toBeLessThan(slept.totalMs);
    expect(result.waits[0]).toBe(slept);
    expect(result.unfollowedWaits).toBe(0);
  });

  test('profiles that overlap have their own, an outer one has those of the inner', async () => {
    const [one, two, outer] = await Promise.all([
      profile(order),
      profile(() => query(5)),
      profile(async () => {
        await sleep(1);
        return profile(order);
      }),
    ]);
    expect(countsOf(one)).toEqual(expected);
    expect(countsOf(two)).toEqual({ 'await sleep(ms)': 1 });
    expect(countsOf(outer.value)).toEqual(expected);
    expect(countsOf(outer)).toEqual({ ...expected, 'await sleep(1)': 1 });
    const stacks = Object.keys(stacksOf(outer.waiting.threads[0]!));
    expect(stacks.filter((stack) => stack.includes('order;query;await sleep(ms)'))).toHaveLength(stacks.length - 2);
  });

  test('thenables, iterators, reactions, values; what is suspended at the end', async () => {
    class Query {
      // biome-ignore lint/suspicious/noThenProperty: as those of knex and mongoose are.
      then(resolve: (value: number) => void): void {
        setTimeout(resolve, 20, 1);
      }
    }
    const thenable = new Query();
    async function* numbers() {
      yield 1;
      await sleep(10);
    }
    const result = await profile(async () => {
      await thenable;
      for await (const number of numbers()) void number;
      await sleep(5).then(() => 1);
      query(10_000).catch(() => {});
      await 1;
    });
    expect(siteOf(result, 'await thenable')!.selfMs).toBeGreaterThan(siteOf(result, 'await 1')!.totalMs);
    expect(siteOf(result, 'await sleep(10)')).toMatchObject({ count: 1, unfinished: 0 });
    expect(siteOf(result, 'await sleep(5).then(() => 1)')).toMatchObject({ count: 1 });
    expect(siteOf(result, 'await sleep(ms)')).toMatchObject({ count: 1, unfinished: 1 });
  });

  test('whether own calls settle what is awaited', async () => {
    const result = await profile(async () => {
      const slow = query(5);
      const timer = new Promise((resolve) => setTimeout(resolve, 40));
      await slow;
      await timer;
      await Promise.race([sleep(5), new Promise(() => {})]);
      await Promise.any([query(5), query(1)]);
    });
    const isOwn = (code: string): boolean => siteOf(result, code)!.selfMs > 0;
    expect(isOwn('await slow')).toBe(false);
    expect(isOwn('await timer')).toBe(true);
    expect(isOwn('await Promise.race([sleep(5), new Promise(() => {})])')).toBe(true);
    expect(isOwn('await Promise.any([query(5), query(1)])')).toBe(false);
  });

  test('of very many awaits a sample stands for all; what that costs is told apart; without it there is none', async () => {
    const many = async (): Promise<void> => {
      for (let i = 0; i < 30_000; i++) await null;
    };
    const result = await profile(many, { top: 1000 });
    const { count } = siteOf(result, 'await null')!;
    expect(count).toBeGreaterThan(25_000);
    expect(count).toBeLessThan(35_000);
    const own = Object.entries(stacksOf(result.cpu.threads[0]!)).filter(([stack]) => stack === '(evdiag)');
    expect(own[0]![1] / 1000).toBeGreaterThan(result.busyMs / 10);
    expect(result.functions.map((one) => one.function)).not.toContain('(evdiag)');
    expect(result.functions.every((one) => one.totalMs > 0)).toBe(true);
    const without = await profile(many, { waits: false });
    expect(without.waits).toEqual([]);
    expect(without.busyMs).toBeLessThan(own[0]![1] / 1000);
  });
});

describe('CPU time of the function alone', () => {
  function besides(rounds: number): number {
    return busy(rounds) + 1;
  }

  /** Some ms of CPU in callbacks of different kinds, and then as much in the function itself. */
  async function work(): Promise<void> {
    burn(20);
    await sleep(1);
    await new Promise<void>((resolve) => {
      setTimeout(() => {
        callback();
        resolve();
      });
    });
  }

  function callback(): void {
    burn(20);
  }

  test('what goes on beside it is no part of it, and told apart', async () => {
    // Longer than some samples are apart.
    const timer = setInterval(() => besides(5_000_000), 1);
    const beside = async (): Promise<void> => {
      for (let i = 0; i < 20; i++) {
        await new Promise(setImmediate);
        besides(300_000);
      }
    };
    const [one, two] = await Promise.all([profile(work, { top: 1000 }), profile(beside, { top: 1000 })]);
    const all = await profile(work, { top: 1000, all: true });
    clearInterval(timer);
    const names = (of: Profiled<void>): string[] => of.functions.map((each) => each.function);
    expect(names(one)).toEqual(expect.arrayContaining(['work', 'burn', 'callback']));
    expect(names(one)).not.toContain('besides');
    expect(names(two)).toContain('besides');
    expect(names(two)).not.toContain('burn');
    expect(names(all)).toEqual(expect.arrayContaining(['besides', 'burn']));
    const selfUs = stacksOf(one.cpu.threads[0]!);
    expect(selfUs['(other work)']).toBeGreaterThan(0);
    const sum = one.functions.reduce((ms, each) => ms + each.selfMs, 0);
    expect(sum / one.busyMs).toBeCloseTo(1, 1);
  });
});

describe('what a profile is written as', () => {
  test('any format, for CPU time and waiting', async () => {
    const result: Profiled<void> = await profile(async () => {
      burn(30);
      await order();
    });
    const text = (format: ProfileFormat, what?: 'cpu' | 'waiting'): string => {
      const written = result.export(format, what);
      return typeof written === 'string' ? written : gunzipSync(written).toString('latin1');
    };
    for (const format of ['collapsed', 'cpuprofile', 'html', 'markdown', 'pprof', 'speedscope', 'svg'] as const) {
      expect(text(format), format).toContain('burn');
      expect(text(format, 'waiting'), format).toContain('await sleep(ms)');
      expect(text(format, 'waiting'), format).not.toContain('burn');
    }
    expect(text('trace-events')).toContain('burn');
    expect(() => text('trace-events', 'waiting')).toThrow('with the times of its samples');
    const bytes: Uint8Array = result.export('pprof');
    expect(bytes[0]).toBe(0x1f);
    const folder = tempFolder({ 'a.cpuprofile': result.export('cpuprofile') });
    const again = readProfile(join(folder, 'a.cpuprofile')).threads[0]!;
    expect(Object.keys(stacksOf(again)).sort()).toEqual(Object.keys(stacksOf(result.cpu.threads[0]!)).sort());
    // The lines are those of this file, which runs from memory.
    const { frames } = result.cpu.threads[0]!;
    expect(frames.find((frame) => frame.function === 'burn')).toMatchObject({ file: import.meta.filename, line: 14 });
    expect(() => result.export('gif' as ProfileFormat)).toThrow('there is no format gif: collapsed, cpuprofile');
  });

  test('a table', async () => {
    const result = await profile(order);
    const lines = String(result).split('\n');
    expect(lines[0]).toMatch(/^order: [\d.]+ m?s, of which it ran for [\d.]+ m?s \(\d+ samples\)$/);
    const head = lines.findIndex((line) => line.endsWith('waits at'));
    expect(lines[head + 1]).toMatch(/ 5 × {2}await sleep\(ms\) {2}test\/library\/profile\.test\.ts:80 query$/);
    expect(lines[head + 1]!.indexOf('await')).toBe(lines[head]!.indexOf('waits at'));
    expect(
      result
        .table(1)
        .split('\n')
        .filter((line) => line.includes('await ')),
    ).toHaveLength(1);
  });
});

test('on this Node, without a test runner', () => {
  const folder = tempFolder({
    'job.mjs': `import { profile } from ${JSON.stringify(join(ROOT, 'dist/index.js'))};
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
async function step(ms) { await sleep(ms); }
async function job() { await Promise.all([step(20), step(1)]); await step(5); for (let i = 0; i < 4; i++) await sleep(1); }
async function beside() { for (let i = 0; i < 10; i++) await sleep(2); }
const other = beside();
const result = await profile(job);
await other;
console.log(JSON.stringify(result.waits.map(({ code, count, selfMs, location }) => [code, count, selfMs > 0, location.line])));
`,
  });
  const node = process.env.EVDIAG_TEST_NODE ?? process.execPath;
  const told = JSON.parse(execFileSync(node, [join(folder, 'job.mjs')], { encoding: 'utf8' }));
  expect(told.sort()).toEqual([
    ['await Promise.all([step(20), step(1)])', 1, false, 4],
    ['await sleep(1)', 4, true, 4],
    ['await sleep(ms)', 3, true, 3],
    ['await step(5)', 1, false, 4],
  ]);
});
