import { EventEmitter } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { expectNoLeaks } from '../../src/library/expect-no-leaks.ts';
import { LeakError } from '../../src/library/leak-error.ts';
import { namesOf } from './lines.ts';

const timers: NodeJS.Timeout[] = [];
afterEach(() => {
  vi.useRealTimers();
  timers.splice(0).forEach(clearInterval);
});

async function leakOf(run: Promise<unknown>): Promise<LeakError> {
  const error = await run.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(LeakError);
  return error as LeakError;
}

describe('expectNoLeaks', () => {
  test('names each leftover in one line: what, place, count, age', async () => {
    const bus = new EventEmitter();
    const { left, message } = await leakOf(
      expectNoLeaks(
        function job() {
          for (let i = 0; i < 3; i++) timers.push(setInterval(() => {}, 1000)); // interval
          bus.on('change', () => {}); // listener
        },
        { graceMs: 20 },
      ),
    );
    expect(namesOf(import.meta.url, left)).toEqual(['listener listener', 'timer interval 3']);
    const [first, ...lines] = message.split('\n');
    expect(first).toBe("'job' left 4 things behind after a grace period of 20 ms:");
    expect(lines).toHaveLength(2);
    const age = '[\\d.]+ m?s old';
    const place = (name: string) => `test/library/expect-no-leaks\\.test\\.ts:\\d+:\\d+ ${name}`;
    expect(lines[0]).toMatch(new RegExp(`^ {2}interval of 1000 ms · ${place('job')} · 3 × · ${age}$`));
    expect(lines[1]).toMatch(new RegExp(`^ {2}listener of 'change' on EventEmitter · ${place('job')} · ${age}$`));
  });

  test('is silent for what ends within the grace period, and for what is unref-ed', async () => {
    const value = await expectNoLeaks(() => {
      setTimeout(() => {}, 50);
      timers.push(setInterval(() => {}, 1000).unref());
      void sleep(50).then(() => sleep(20));
      return 'done';
    });
    expect(value).toBe('done');
    const run = expectNoLeaks(() => void timers.push(setInterval(() => {}, 1000).unref()), {
      unreferenced: true,
      graceMs: 0,
    });
    expect((await leakOf(run)).left).toMatchObject([{ referenced: false }]);
  });

  test('with several runs, what only the first leaves is no leak', async () => {
    const cache = new Map<string, NodeJS.Timeout>();
    const lazy = (): void => {
      if (cache.size === 0)
        cache.set(
          'sweep',
          setInterval(() => {}, 1000),
        );
      timers.push(...cache.values());
    };
    await expectNoLeaks(lazy, { runs: 3, graceMs: 20 });
    const each = (): unknown => timers.push(setInterval(() => {}, 1000));
    const { left, message } = await leakOf(expectNoLeaks(each, { runs: 3, graceMs: 20 }));
    expect(left).toMatchObject([{ kind: 'timer', count: 2 }]);
    expect(message).toContain("'each' (run 3 times, the first not counted) left 2 things behind");
  });

  test('ignores what is meant to stay: by words, place or a function', async () => {
    const job = (): unknown => timers.push(setInterval(() => {}, 1000));
    for (const ignore of ['interval', /no-leaks\.test\.ts/, ({ kind }: { kind: string }) => kind === 'timer']) {
      await expectNoLeaks(job, { ignore: [ignore], graceMs: 60_000 });
    }
    await leakOf(expectNoLeaks(job, { ignore: ['server', /other/g], graceMs: 0 }));
  });

  test('throws what the function throws, and refuses nonsense', async () => {
    await expect(expectNoLeaks(() => Promise.reject(new Error('its own')))).rejects.toThrow('its own');
    await expect(expectNoLeaks(() => {}, { runs: 0 })).rejects.toThrow(RangeError);
  });

  test('works under fake timers', async () => {
    vi.useFakeTimers();
    await expectNoLeaks(() => void setInterval(() => {}, 1000), { graceMs: 50 });
  });
});
