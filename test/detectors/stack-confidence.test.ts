import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { CONFIDENCE, confidenceWord, LIKELY, SURE } from '../../src/detectors/confidence.ts';
import { blockedEventLoop } from '../../src/detectors/rules/blocked-event-loop.ts';
import { confidenceOfChains, confidenceOfSamples, confidenceOfStalls } from '../../src/detectors/stack-confidence.ts';
import type { DeepSampleRow, StallKind, StallStack } from '../../src/recording/types.ts';
import { foundIn, location, recordingOf, stall } from '../support/recording.ts';

const elsewhere = { ...location, line: 80, function: 'other' };
const nextLine = { ...location, line: 13 };

function stack(fields: Partial<StallStack> = {}): StallStack {
  return { weightMs: 100, count: 1, kind: 'sync-fs', frames: [], location, ...fields };
}

/** How sure stalls with these stacks are, one stall for each list. */
function sureness(lists: StallStack[][], kind: StallKind = 'sync-fs'): number {
  const stalls = lists.map((stacks) => stall({ kind, stacks }));
  return confidenceOfStalls(stalls, { kind, location });
}

describe('stalls', () => {
  test('a single stack is a guess, whatever time it stands for; two are sure', () => {
    expect(sureness([[stack({ weightMs: 4000 })]])).toBe(CONFIDENCE.single);
    expect(sureness([[stack({ count: 2 })]])).toBe(CONFIDENCE.agreeing);
  });

  test('single stacks of several stalls are independent of each other', () => {
    expect(sureness([[stack()], [stack()], [stack()]])).toBe(CONFIDENCE.agreeing);
  });

  test('a mark needs no second witness', () => {
    expect(sureness([[stack({ marked: true })]])).toBe(CONFIDENCE.marked);
  });

  test('late answers are a guess, however many', () => {
    expect(sureness([[stack({ late: true, count: 5 })]])).toBe(CONFIDENCE.late);
    expect(sureness([[stack({ late: true })], [stack({ late: true })]])).toBe(CONFIDENCE.late);
  });

  test('several stacks behind marked calls are likely: the kind is known, the line may be one further on', () => {
    expect(sureness([[stack({ late: true, marked: true, count: 2 })]])).toBe(CONFIDENCE.divided);
    expect(sureness([[stack({ late: true, marked: true })]])).toBe(CONFIDENCE.late);
  });

  test('where most of the time was elsewhere, the evidence is divided', () => {
    const there = stack({ count: 4, location: elsewhere, weightMs: 300 });
    expect(sureness([[stack({ count: 4, weightMs: 200 }), there]])).toBe(CONFIDENCE.divided);
    expect(sureness([[stack({ count: 4, weightMs: 700 }), there]])).toBe(CONFIDENCE.agreeing);
  });

  test('a group is not as sure as its surest stall, but as the time that it stands for', () => {
    const sure = [stack({ marked: true, weightMs: 100 })];
    const others = [stack({ kind: 'json', weightMs: 900 })];
    expect(sureness([sure])).toBe(CONFIDENCE.marked);
    expect(sureness([sure, others])).toBe(CONFIDENCE.divided);
  });

  test('a call is a line and a kind; of computation the function is enough', () => {
    const lines = [stack({ location: nextLine, count: 3 }), stack({ count: 2, weightMs: 20 })];
    expect(sureness([lines])).toBe(CONFIDENCE.divided);
    expect(sureness([lines], 'js-cpu')).toBe(CONFIDENCE.agreeing);
  });

  test('stalls of which nothing was seen count with their time', () => {
    const unseen = stall({ kind: 'js-cpu', durationMs: 900, stacks: [] });
    const seen = stall({ kind: 'js-cpu', durationMs: 100, stacks: [stack({ count: 3 })] });
    expect(confidenceOfStalls([seen], { kind: 'js-cpu', location })).toBe(CONFIDENCE.agreeing);
    expect(confidenceOfStalls([seen, unseen], { kind: 'js-cpu', location })).toBe(CONFIDENCE.divided);
  });

  test('where the host held the thread up for most of the time it is a guess, even of a marked call', () => {
    const held = { durationMs: 940, cpuMs: 73, runQueueMs: 867, kind: 'json' as const };
    const stacks = [stack({ kind: 'json', marked: true, count: 9 })];
    expect(confidenceOfStalls([stall({ ...held, stacks })], { kind: 'json', location })).toBe(CONFIDENCE.held);
    const free = { ...held, cpuMs: 930, runQueueMs: 10 };
    expect(confidenceOfStalls([stall({ ...free, stacks })], { kind: 'json', location })).toBe(CONFIDENCE.marked);
  });

  test('without stacks, as of other tools, the row says how sure it is', () => {
    const rows = [stall({ stacks: [], confidence: 0.3 }), stall({ stacks: [], confidence: 0.3 })];
    expect(confidenceOfStalls(rows, { kind: 'js-cpu', location: null })).toBeCloseTo(0.3);
  });

  test('the finding has it', () => {
    const one = stall({ stacks: [stack({ weightMs: 400 })], confidence: 0.95 });
    const two = stall({ id: 2, startMs: 5000, stacks: [stack({ weightMs: 400 })], confidence: 0.95 });
    const [single] = foundIn(blockedEventLoop, recordingOf([one]));
    const [several] = foundIn(blockedEventLoop, recordingOf([one, two]));
    expect([single!.confidence, several!.confidence]).toEqual([CONFIDENCE.single, CONFIDENCE.agreeing]);
  });
});

test('a chain is told by stacks of different calls, unless the host had the time', () => {
  const stacks = [stack(), stack({ location: elsewhere })];
  expect(confidenceOfChains([stall({ kind: 'js-cpu', stacks })])).toBe(CONFIDENCE.agreeing);
  expect(confidenceOfChains([stall({ kind: 'js-cpu', stacks: [stack()] })])).toBe(CONFIDENCE.single);
  const held = { durationMs: 1000, cpuMs: 100, runQueueMs: 900 };
  expect(confidenceOfChains([stall({ kind: 'js-cpu', stacks, ...held })])).toBe(CONFIDENCE.held);
});

test('a deep sample is as sure as its stacks at the place are many, and as it is one place', () => {
  const deepSample = (busySamples: number) => ({ busySamples }) as DeepSampleRow;
  expect(confidenceOfSamples([deepSample(60)], 0.8)).toBe(CONFIDENCE.compared);
  expect(confidenceOfSamples([deepSample(60)], 0.1)).toBe(CONFIDENCE.divided);
  expect(confidenceOfSamples([deepSample(1)], 0.9)).toBe(CONFIDENCE.single);
  expect(confidenceOfSamples([deepSample(1), deepSample(2)], 0.9)).toBe(CONFIDENCE.compared);
});

test('every rule names its evidence: none has a number of its own', () => {
  const folder = new URL('../../src/detectors/', import.meta.url);
  const files = readdirSync(folder).filter((name) => name.endsWith('.ts') && name !== 'confidence.ts');
  const typed = files.filter((name) =>
    /confidence:[^,;]*\b[01]?\.?\d/.test(readFileSync(new URL(name, folder), 'utf8')),
  );
  expect(typed, "cure: a level of CONFIDENCE, in 'src/detectors/confidence.ts'").toEqual([]);
});

test('three words, by thresholds', () => {
  expect([1, SURE, 0.89, LIKELY, 0.64, 0].map(confidenceWord)).toEqual([
    'sure',
    'sure',
    'likely',
    'likely',
    'a guess',
    'a guess',
  ]);
  // What is not sure is never called so.
  const guesses = [CONFIDENCE.single, CONFIDENCE.late, CONFIDENCE.held, CONFIDENCE.unseen, CONFIDENCE.indirect];
  expect(new Set(guesses.map(confidenceWord))).toEqual(new Set(['a guess']));
});
