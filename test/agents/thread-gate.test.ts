import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { createSharedBeats } from '../../agents/shared-beats.ts';
import { createSharedMemory, Word } from '../../agents/shared-memory.ts';
import {
  beginAsking,
  createThreadGate,
  endAsking,
  endThread,
  GATE_MS,
  isEnding,
  setParent,
} from '../../agents/thread-gate.ts';
import { createInterrupts } from '../../agents/watchdog/interrupts.ts';

describe('the gate between interrupts and terminations', () => {
  it('nothing is asked of a thread that is to end, nor of those that it has started', () => {
    const gate = createThreadGate();
    setParent(gate, 7, 3);
    setParent(gate, 9, 7);
    endThread(gate, 3);
    expect([3, 7, 9].map((id) => beginAsking(gate, id))).toEqual([false, false, false]);
    expect([0, 2, 4].map((id) => beginAsking(gate, id))).toEqual([true, true, true]);
  });

  it('when the process ends, its threads are not asked; the main thread may be', () => {
    const gate = createThreadGate();
    endThread(gate, 0);
    expect([0, 1].map((id) => beginAsking(gate, id))).toEqual([true, false]);
  });

  it('a thread of a later number is not taken for one that has ended', () => {
    const gate = createThreadGate();
    endThread(gate, 5);
    expect([5, 5 + 1024].map((id) => isEnding(gate, id))).toEqual([true, false]);
  });

  it('whoever ends a thread waits for what is asked of it or its own, not of others, and not forever', async () => {
    const gate = createThreadGate();
    setParent(gate, 4, 3);
    const timed = (id: number): number => {
      const from = performance.now();
      endThread(gate, id);
      return performance.now() - from;
    };
    beginAsking(gate, 4);
    expect(timed(3)).toBeGreaterThanOrEqual(GATE_MS - 1);
    expect(beginAsking(gate, 4)).toBe(false);
    const text = `const { workerData: { gate, at } } = require('node:worker_threads'); Atomics.wait(gate, 0, 1, 30);
      Atomics.sub(gate, at, 1); Atomics.notify(gate, at); Atomics.store(gate, 1, 1);`;
    const worker = new Worker(text, { eval: true, workerData: { gate, at: 5 * 4 } });
    const ended = new Promise((resolve) => worker.once('exit', resolve));
    while (Atomics.load(gate, 1) === 0) timed(3);
    await ended;
    endAsking(gate, 4);
    expect(isEnding(gate, 4)).toBe(true);
  });
});

describe('a thread is not interrupted', () => {
  const thread = (threadId: number, gated = true) => ({
    threadId,
    nativeId: null,
    shared: createSharedMemory(),
    beats: createSharedBeats(),
    startMonotonicMs: 0,
    startedAtMs: 0,
    gated,
  });

  it.each([
    ['a worker that waits in Atomics.wait', thread(1), Word.Waiting, false],
    ['the main thread there, which nobody terminates', thread(0), Word.Waiting, true],
    ['a worker in a script with a timeout', thread(1), Word.Terminable, false],
    ['the main thread in a script with a timeout', thread(0), Word.Terminable, false],
    ['a worker that the gate is not known to', thread(1, false), Word.Stop, false],
    ['a worker that computes', thread(1), Word.Stop, true],
  ] as const)('%s', (_name, data, word, expected) => {
    data.shared.control[word] = 1;
    const interrupts = createInterrupts(data, createThreadGate());
    expect(interrupts.begin()).toBe(expected);
    data.shared.control[word] = 0;
    expect(interrupts.begin()).toBe(data.gated);
  });
});
