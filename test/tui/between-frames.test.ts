import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createJudge, inSlices } from '../../src/tui/views/between-frames.ts';
import { recordingOf, seconds, stall } from '../support/recording.ts';

function busy(ms: number): void {
  for (const end = performance.now() + ms; performance.now() < end; );
}

test('long work lets the loop turn again and again', async () => {
  function* steps(): Generator<undefined, string> {
    for (let i = 0; i < 20; i++) {
      busy(3);
      yield;
    }
    return 'done';
  }
  let [result, turns] = ['', 0];
  inSlices(steps(), (value) => {
    result = value;
  });
  for (; result === ''; turns++) await turn();
  expect(result).toBe('done');
  expect(turns).toBeGreaterThan(5);
});

test('what was stopped tells nothing any more', async () => {
  let told = false;
  const stop = inSlices(
    (function* (): Generator<undefined, null> {
      yield;
      return null;
    })(),
    () => {
      told = true;
    },
  );
  stop();
  for (let i = 0; i < 5; i++) await turn();
  expect(told).toBe(false);
});

test('of many requests, the newest is judged, and few in between', async () => {
  const recordings = [recordingOf([...seconds(5), stall({ t: 3000 })])];
  const told: number[] = [];
  const judge = createJudge((report, atMs) => {
    expect(report.findings[0]!.rule).toBe('blocked-event-loop');
    told.push(atMs);
  });
  for (let atMs = 1; atMs <= 100; atMs++) {
    judge.ask(recordings, atMs, false);
    if (atMs % 10 === 0) await turn();
  }
  await expect.poll(() => told.at(-1)).toBe(100);
  expect(told.length).toBeLessThan(50);
  judge.ask(recordings, 7, true);
  await expect.poll(() => told.at(-1)).toBe(7);
  judge.stop();
});
