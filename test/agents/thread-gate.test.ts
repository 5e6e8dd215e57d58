import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { lookAtThread } from '../../agents/agent/thread-look.ts';
import { createSharedBeats } from '../../agents/shared-beats.ts';
import { createSharedMemory, Word } from '../../agents/shared-memory.ts';
import {
  answerFirst,
  beginAsking,
  createThreadGate,
  endAsking,
  endThread,
  GATE_MS,
  hooksBegin,
  hooksEnd,
  initsAt,
  isEnding,
  isTerminated,
  leaveThread,
  madeWay,
  STRIDE,
  setParent,
  type ThreadGate,
  type ThreadLook,
} from '../../agents/thread-gate.ts';
import { createInterrupts } from '../../agents/watchdog/interrupts.ts';

const isAsked = (gate: ThreadGate, threadId: number): boolean => Atomics.load(gate, (threadId + 1) * STRIDE) > 0;

describe('the gate between interrupts and terminations', () => {
  it('a thread waits with its own wait until it has been answered, and not for ever', async () => {
    const gate = createThreadGate();
    expect(beginAsking(gate, 5)).toBe(true);
    answerFirst(gate, 5, 1);
    expect(isAsked(gate, 5)).toBe(true);
    const body = `const gate = require('node:worker_threads').workerData;
Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 150);
Atomics.sub(gate, (5 + 1) * ${STRIDE}, 1);`;
    const answering = new Worker(body, { eval: true, workerData: gate });
    answerFirst(gate, 5, 100_000);
    expect(isAsked(gate, 5)).toBe(false);
    await answering.terminate();
  });

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
    const worker = new Worker(text, { eval: true, workerData: { gate, at: 5 * STRIDE } });
    const ended = new Promise((resolve) => worker.once('exit', resolve));
    while (Atomics.load(gate, 1) === 0) timed(3);
    await ended;
    endAsking(gate, 4);
    expect(isEnding(gate, 4)).toBe(true);
  });
});

describe('the gate between hooks and terminations', () => {
  const timed = (end: () => void): number => {
    const from = performance.now();
    end();
    return performance.now() - from;
  };
  const NATIVE = 4711;
  /** Its hooks are in place; it has entered and left them that often. */
  const hooked = (gate: ThreadGate, id: number, inits: number): number => {
    const at = initsAt(gate, id, NATIVE);
    expect(hooksBegin(gate, id)).toBe(true);
    Atomics.add(gate, at, inits);
    return at;
  };
  const unseen: ThreadLook = () => null;
  const neverAsked: ThreadLook = () => expect.unreachable();

  it('whoever ends a thread waits for the hook that runs there, or in one that it has started, and not forever', () => {
    const gate = createThreadGate();
    setParent(gate, 4, 3);
    hooked(gate, 4, 1);
    expect(timed(() => endThread(gate, 3))).toBeGreaterThanOrEqual(GATE_MS - 1);
    const whole = createThreadGate();
    hooked(whole, 4, 1);
    expect(timed(() => leaveThread(whole, 0, unseen))).toBeGreaterThanOrEqual(GATE_MS - 1);
  });

  it('it does not wait once the hook has been left, nor for other threads, nor for its own, nor a second time', () => {
    const gate = createThreadGate();
    hooked(gate, 4, 2);
    hooked(gate, 5, 1);
    hooked(gate, 6, 1);
    expect(timed(() => endThread(gate, 4))).toBeLessThan(GATE_MS);
    leaveThread(gate, 5, neverAsked);
    endThread(gate, 6);
    expect(timed(() => endThread(gate, 6))).toBeLessThan(GATE_MS);
  });

  it('a thread that makes resources all the time is waited for until it has put its hooks away', async () => {
    const gate = createThreadGate();
    const at = hooked(gate, 4, 100_000);
    const text = `const { workerData: { gate, at } } = require('node:worker_threads'); Atomics.store(gate, at, -1);`;
    const worker = new Worker(text, { eval: true, workerData: { gate, at } });
    await new Promise((resolve) => worker.once('exit', resolve));
    expect(timed(() => endThread(gate, 4))).toBeLessThan(GATE_MS);
    madeWay(gate, 4);
    expect(isEnding(gate, 4)).toBe(true);
  });

  it('where the process ends, the kernel says when a thread has got through its last hook', () => {
    const looks = (...readings: (ReturnType<ThreadLook> | 'enters')[]) => {
      const gate = createThreadGate();
      const at = hooked(gate, 4, 0);
      let asked = 0;
      leaveThread(gate, 0, (nativeId) => {
        expect(nativeId).toBe(NATIVE);
        const next = readings[asked++] ?? { isGone: true, isAsleep: false, ran: 0 };
        if (next !== 'enters') return next;
        Atomics.store(gate, at, -1);
        return { isGone: false, isAsleep: false, ran: 100 };
      });
      return asked;
    };
    const running = (ran: number) => ({ isGone: false, isAsleep: false, ran });
    const asleep = { isGone: false, isAsleep: true, ran: 1 };
    expect(looks(asleep)).toBe(1);
    expect(looks({ ...asleep, isGone: true })).toBe(1);
    // It waits for a core.
    expect(looks(...Array(9).fill(running(1)), asleep)).toBe(10);
    // The first step may end what ran before.
    expect(looks(running(1), running(1), running(2), running(2), running(3), running(4))).toBe(5);
    expect(looks(running(1), running(2), 'enters', running(101), running(102), running(103), running(104))).toBe(6);
  });

  it('hooks that are not in place are not waited for, and none are put in place in a thread that ends', () => {
    const gate = createThreadGate();
    hooked(gate, 4, 1);
    hooksEnd(gate, 4);
    leaveThread(gate, 0, neverAsked);
    expect(hooksBegin(gate, 4)).toBe(false);
    leaveThread(gate, 4, neverAsked);
  });

  it('one that ends by itself, or with the process, is not told again: it still has its last work to do', () => {
    const gate = createThreadGate();
    setParent(gate, 7, 3);
    leaveThread(gate, 3, unseen);
    leaveThread(gate, 0, unseen);
    expect([3, 7, 9].map((id) => [isEnding(gate, id), isTerminated(gate, id)])).toEqual(Array(3).fill([true, false]));
    endThread(gate, 3);
    leaveThread(gate, 3, unseen);
    expect([3, 7, 9].map((id) => isTerminated(gate, id))).toEqual([true, true, false]);
  });
});

describe('what the kernel says of a thread', () => {
  it.skipIf(process.platform !== 'linux')(
    'tells one that computes from one that waits, and from one that is gone',
    async () => {
      const text = `const { parentPort, workerData } = require('node:worker_threads');
      parentPort.postMessage(Number(require('node:fs').readlinkSync('/proc/thread-self').split('/').at(-1)));
      while (Atomics.load(workerData, 0) === 0);
      Atomics.wait(workerData, 0, 1);`;
      const words = new Int32Array(new SharedArrayBuffer(4));
      const worker = new Worker(text, { eval: true, workerData: words });
      const id = await new Promise<number>((resolve) => worker.once('message', resolve));
      const first = lookAtThread(id)!;
      expect(first).toMatchObject({ isGone: false, isAsleep: false });
      await expect.poll(() => lookAtThread(id)!.ran, { timeout: 60_000 }).toBeGreaterThan(first.ran);
      Atomics.store(words, 0, 1);
      await expect.poll(() => lookAtThread(id)!.isAsleep, { timeout: 60_000 }).toBe(true);
      await worker.terminate();
      await expect.poll(() => lookAtThread(id)!.isGone, { timeout: 60_000 }).toBe(true);
      expect(lookAtThread(0)).toBeNull();
    },
  );
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
