import { describe, expect, test } from 'vitest';
import { Calibration } from '../../agents/agent/governor/calibration.ts';
import { Governor } from '../../agents/agent/governor/governor.ts';
import { ownShare } from '../../agents/agent/governor/loop-figures.ts';
import { createUnitCosts, SENSORS } from '../../agents/agent/governor/unit-costs.ts';
import { readWork } from '../../agents/agent/governor/work-clock.ts';
import { SeenShare } from '../../agents/agent/tracking/seen-share.ts';

/** A thread that costs so much of its time while it is followed, by a clock of its own. */
function drive(share: number, rateAt: (ms: number) => number, untilMs: number, random = seeded()) {
  let now = 0;
  const governor = new Governor(share, { now: () => now, random });
  const windows: { fromMs: number; toMs: number }[] = [{ fromMs: 0, toMs: 0 }];
  let plan = governor.step(0);
  let spentMs = 0;
  const step = (): void => {
    const costMs = plan.open ? rateAt(now) * plan.waitMs : 0;
    now += plan.waitMs;
    spentMs += costMs;
    const before = plan.open;
    plan = governor.step(costMs);
    if (before) windows.at(-1)!.toMs = now;
    if (!before && plan.open) windows.push({ fromMs: now, toMs: now });
  };
  const run = (toMs: number): void => {
    while (now < toMs) step();
  };
  run(untilMs);
  const openMs = (): number => windows.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0);
  return { governor, windows, run, openMs, spentMs: () => spentMs, now: () => now, isOpen: () => plan.open };
}

/** The same numbers each time, evenly in 0..1. */
function seeded(): () => number {
  let state = 1;
  return () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
}

describe('within the budget, a thread is followed all the time', () => {
  test.each([
    ['idle', 0],
    ['at nine tenths of the budget', 0.0045],
  ])('%s', (_name, rate) => {
    const { windows, openMs } = drive(0.005, () => rate, 600_000);
    expect(windows).toHaveLength(1);
    expect(openMs()).toBeGreaterThanOrEqual(600_000);
  });

  test('a burst is paid for by what was saved', () => {
    const { windows } = drive(0.005, (ms) => (ms > 100_000 && ms < 100_250 ? 0.3 : 0.001), 200_000);
    expect(windows).toHaveLength(1);
  });
});

describe('above the budget, in windows', () => {
  test.each([
    [0.005, 0.3],
    [0.05, 0.3],
    [0.005, 0.02],
    [0.02, 1],
  ])('budget %d, cost %d: what is spent is near the budget, and never far above', (share, rate) => {
    const { spentMs, now, windows } = drive(share, () => rate, 7_200_000);
    const spent = spentMs() / now();
    expect(spent).toBeLessThan(share * 1.2);
    expect(spent).toBeGreaterThan(share * 0.7);
    expect(windows.length).toBeGreaterThan(20);
  });

  test('their lengths and places vary', () => {
    const { windows } = drive(0.05, () => 0.3, 600_000);
    const later = windows.slice(1, -1);
    const lengths = new Set(later.map(({ fromMs, toMs }) => Math.round(toMs - fromMs)));
    expect(lengths.size).toBeGreaterThan(later.length / 2);
  });

  test('whatever the rhythm of the program, both of its halves are seen alike', () => {
    const { windows } = drive(0.05, () => 0.3, 3_600_000);
    let [first, second] = [0, 0];
    for (const { fromMs, toMs } of windows.slice(1)) {
      for (let ms = fromMs; ms < toMs; ms += 10) ms % 1000 < 500 ? first++ : second++;
    }
    expect(first / (first + second)).toBeGreaterThan(0.4);
    expect(first / (first + second)).toBeLessThan(0.6);
  });

  test('it stays open again where the load is over', () => {
    const { windows, openMs } = drive(0.005, (ms) => (ms < 60_000 ? 0.3 : 0.001), 1_000_000);
    expect(openMs()).toBeGreaterThan(600_000);
    expect(windows.at(-1)!.toMs).toBeGreaterThanOrEqual(1_000_000);
  });
});

test('a higher budget changes the number only: the same thread is seen for longer', () => {
  const seen = [0.005, 0.02, 0.05, 0.5].map((share) => drive(share, () => 0.3, 1_000_000).openMs());
  expect(seen).toEqual([...seen].sort((a, b) => a - b));
  expect(seen.at(-1)).toBeGreaterThanOrEqual(1_000_000);
});

test('a share of its own time that varies gives no credit', () => {
  const driven = drive(0.05, () => 0.3, 60_000);
  const before = driven.spentMs();
  for (let i = 0; i < 600; i++) {
    driven.governor.setShare(0.05, i % 2 === 0 ? 0.1 : 1);
    driven.run(driven.now() + 1000);
  }
  expect((driven.spentMs() - before) / 600_000).toBeLessThan(0.05);
});

test('with a budget of nothing, no window opens', () => {
  const { windows, isOpen } = drive(0, () => 0.1, 3_600_000);
  expect(windows).toHaveLength(1);
  expect(isOpen()).toBe(false);
});

test('a hint opens windows at once, and the next ones wait until it is paid for', () => {
  const driven = drive(0.005, () => 0.3, 60_000);
  const before = driven.windows.length;
  driven.governor.hint();
  driven.run(driven.now() + 15_000);
  const hinted = driven.windows.slice(before);
  expect(hinted.length).toBeGreaterThanOrEqual(5);
  const openMs = hinted.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0);
  expect(openMs).toBeGreaterThan(2000);
  // It is refused while it is owed for.
  expect(driven.governor.hint()).toBe(false);
  driven.run(7_200_000);
  expect(driven.spentMs() / driven.now()).toBeLessThan(0.006);
});

describe('the share of stacks', () => {
  test('a calm thread may use what it has saved, and no more than that', () => {
    let now = 0;
    const governor = new Governor(0.005, { now: () => now, random: seeded() });
    const first = governor.stackShare(0);
    expect(first).toBeGreaterThan(0.02);
    let spentMs = 0;
    for (let i = 0; i < 4000; i++) {
      const costMs = 250 * governor.stackShare(0);
      now += 250;
      spentMs += costMs;
      governor.step(costMs);
    }
    expect(governor.stackShare(0)).toBeLessThan(0.006);
    expect(spentMs / now).toBeLessThan(0.0052);
  });

  test('where hooks take all of the budget, it is an eighth', () => {
    const { governor } = drive(0.005, () => 0.005, 600_000);
    governor.step(1000);
    expect(governor.stackShare(0.005)).toBeCloseTo(0.005 / 8);
  });
});

test('who looks through the same hooks keeps them in', () => {
  let now = 0;
  const governor = new Governor(0.005, { now: () => now, random: seeded() });
  for (let i = 0; i < 100; i++) {
    now += 250;
    expect(governor.step(100, true).open).toBe(true);
  }
  now += 250;
  expect(governor.step(100, false).open).toBe(false);
});

describe('what a call costs', () => {
  test('a slower machine pays more, in proportion', () => {
    const [quick, slow] = [100, 300].map((ns) => createUnitCosts(() => ns));
    for (const sensor of SENSORS) {
      expect(slow!.costMs(sensor, 1000) / quick!.costMs(sensor, 1000)).toBeCloseTo(3);
    }
  });

  test('the unit is measured once, and a clock that jumps decides little', () => {
    let measured = 0;
    const units = createUnitCosts(() => {
      measured++;
      return 1e9;
    });
    units.costMs('promise-made', 1);
    const ms = units.costMs('promise-made', 1);
    expect(measured).toBe(1);
    expect(ms).toBeLessThan(0.01);
  });
});

describe('the share of what was started that was seen', () => {
  test('without pauses it is all', () => {
    const seen = new SeenShare(0);
    seen.add(10, 30);
    expect(seen.read(1000)).toEqual({ promises: 10, seenShare: 1, pauses: 0 });
  });

  test('a pause counts as many as the window before it lets expect', () => {
    const seen = new SeenShare(0);
    seen.add(10, 20);
    seen.closed(1000);
    seen.opened(10_000);
    seen.add(10, 20);
    expect(seen.read(11_000)).toEqual({ promises: 110, seenShare: 40 / 220, pauses: 1 });
    // Told once.
    expect(seen.read(11_000).promises).toBe(0);
  });
});

describe('what the same work takes with hooks and without calibrates unit costs', () => {
  /** So many windows and pauses, in which a resource takes so many microseconds, and hooks believe in 1 µs each. */
  const factorAfter = (rounds: number, insideUs: number, outsideUs: number, made = 10_000): number => {
    const calibration = new Calibration();
    const add = (isOpen: boolean, us: number): void =>
      calibration.add(isOpen, { cpuMs: (made * us) / 1000, made, hooksMs: isOpen ? made / 1000 : 0 });
    add(true, 100 * insideUs);
    for (let round = 0; round < rounds; round++) {
      add(false, outsideUs);
      add(true, insideUs);
    }
    return calibration.factor();
  };

  test.each([
    ['as much as believed', 3, 2, 0.99, 1.01],
    ['twice as much', 4, 2, 1.75, 2],
    ['nothing at all', 2, 2, 0.5, 0.5],
    ['far more: the program did something else', 90, 2, 4, 4],
  ])('%s', (_what, insideUs, outsideUs, least, most) => {
    const factor = factorAfter(20, insideUs, outsideUs);
    expect(factor).toBeGreaterThanOrEqual(least);
    expect(factor).toBeLessThanOrEqual(most);
  });

  test.each([
    ['before the first pause', 0, 10_000],
    ['where hardly anything is made', 5, 20],
  ])('%s they stand as they are', (_what, rounds, made) => {
    expect(factorAfter(rounds, 4, 2, made)).toBe(1);
  });

  test('what a program does at another time is forgotten', () => {
    const calibration = new Calibration();
    const rounds = (count: number, insideUs: number): void => {
      for (let i = 0; i < count; i++) {
        calibration.add(false, { cpuMs: 20, made: 10_000, hooksMs: 0 });
        calibration.add(true, { cpuMs: 10 * insideUs, made: 10_000, hooksMs: 10 });
      }
    };
    rounds(20, 4);
    const before = calibration.factor();
    rounds(40, 3);
    expect(calibration.factor()).toBeLessThan(before);
    expect(calibration.factor()).toBeCloseTo(1, 1);
  });
});

test('Node numbers resources with and without hooks', () => {
  const first = readWork(setTimeout(() => {}, 0));
  const between = setTimeout(() => {}, 0);
  const second = readWork(setTimeout(() => {}, 0));
  clearTimeout(between);
  expect(second.made - first.made).toBeGreaterThanOrEqual(2);
  expect(second.cpuMs).toBeGreaterThanOrEqual(first.cpuMs);
});

test('whoever looks through the hooks opens a window, which is paid for later', () => {
  const driven = drive(0.005, () => 0.3, 60_000);
  const before = driven.windows.length;
  while (driven.isOpen()) driven.run(driven.now() + 1);
  expect(driven.governor.openNow()).toBe(true);
  driven.run(driven.now() + 2000);
  expect(driven.windows.length).toBeGreaterThan(before);
  let granted = 0;
  for (let i = 0; i < 100; i++) {
    if (!driven.isOpen() && driven.governor.openNow()) granted++;
    driven.run(driven.now() + 1000);
  }
  expect(granted).toBeLessThan(100);
  driven.run(driven.now() + 7_200_000);
  expect(driven.spentMs() / driven.now()).toBeLessThan(0.006);
});

test('where others take the cores, what was saved is forgotten', () => {
  const driven = drive(0.05, () => 0, 60_000);
  driven.governor.setShare(0.05, 0.05);
  driven.run(driven.now() + 60_000);
  const spare = drive(0.05, (ms) => (ms > 120_000 ? 0.1 : 0), 60_000);
  spare.governor.setShare(0.05, 0.05);
  spare.run(121_000);
  const from = spare.spentMs();
  spare.run(180_000);
  expect(spare.spentMs() - from).toBeLessThan(500);
});

describe('the budget is a share of the time that a thread has', () => {
  test.each([
    ['it idles', 1000, 1000, 0, 1],
    ['it serves a little now and then', 1000, 950, 50, 1],
    ['it runs all the time', 1000, 0, 1000, 1],
    ['it is as busy as to have no time to spare', 1000, 500, 500, 0.5],
    ['a quarter of its time', 1000, 750, 250, 0.625],
    ['others have the core for nine tenths of its time', 1000, 0, 100, 0.1],
    ['it idles, and others have the core while it wants to run', 1000, 500, 40, 0.54],
    ['other threads of the process ran, too', 1000, 200, 3000, 0.8],
    ['it got nothing', 1000, 0, 0, 0.05],
  ])('%s', (_what, passedMs, idleMs, cpuMs, expected) => {
    expect(ownShare(passedMs, idleMs, cpuMs)).toBeCloseTo(expected);
  });
});
