import { describe, expect, test } from 'vitest';
import { awaitCycles, type Cycle } from '../../src/heap/await-cycles.ts';
import { analyse } from './take-snapshot.ts';

async function cyclesOf(program: string): Promise<Cycle[]> {
  const { snapshot, calls } = await analyse(program);
  return awaitCycles(snapshot, calls);
}

/** Names of the calls but for those of the lock's own, sorted, so that it does not matter where a cycle begins. */
const names = (cycles: readonly Cycle[]) =>
  cycles
    .map(({ calls }) =>
      calls
        .map(({ functionName }) => functionName)
        .filter((name) => name !== 'acquire')
        .sort(),
    )
    .sort();

const TICK = `
  const { setTimeout: delay } = require('node:timers/promises');
  const tick = () => delay(5);
`;

/** Locks as people write them. Each has \`acquire\`, which promises a function that releases. */
const LOCKS: Record<string, string> = {
  'a class with an array of resolvers': `
    class Mutex {
      locked = false; waiters = [];
      async acquire() {
        if (this.locked) await new Promise((resolve) => this.waiters.push(resolve));
        this.locked = true;
        return () => this.release();
      }
      release() { const next = this.waiters.shift(); if (next) next(); else this.locked = false; }
    }
    const make = () => { const mutex = new Mutex(); return () => mutex.acquire(); };`,
  'a class with private fields and closures in its queue': `
    class Mutex {
      #locked = false; #queue = [];
      acquire() {
        return new Promise((resolve) => {
          const grant = () => { this.#locked = true; resolve(() => { this.#locked = false; this.#queue.shift()?.(); }); };
          if (this.#locked) this.#queue.push(grant); else grant();
        });
      }
    }
    const make = () => { const mutex = new Mutex(); return () => mutex.acquire(); };`,
  'a function with its queue in a scope': `
    function make() {
      let locked = false; const queue = [];
      const release = () => { const next = queue.shift(); if (next) next(); else locked = false; };
      return async function acquire() {
        if (locked) await new Promise((resolve) => { queue.push(resolve); });
        locked = true;
        let done = false;
        return () => { if (!done) { done = true; release(); } };
      };
    }`,
  'a chain of promises': `
    function make() {
      let tail = Promise.resolve();
      return () => {
        const before = tail;
        let release;
        tail = new Promise((resolve) => { release = resolve; });
        // Without this, calls that wait for each other are within nobody's reach, and collected.
        (globalThis.tails ??= []).push(tail);
        return before.then(() => release);
      };
    }`,
  'a linked list': `
    class Node { constructor(value) { this.value = value; this.next = undefined; } }
    class Queue {
      #head; #tail;
      enqueue(value) { const node = new Node(value); if (this.#head) { this.#tail.next = node; this.#tail = node; } else { this.#head = this.#tail = node; } }
      dequeue() { const node = this.#head; if (node) { this.#head = node.next; return node.value; } }
    }
    class Lock {
      constructor() { this.queue = new Queue(); this.held = false; }
      acquire() {
        const release = () => { const next = this.queue.dequeue(); if (next) next(release); else this.held = false; };
        if (!this.held) { this.held = true; return Promise.resolve(release); }
        return new Promise((resolve) => { this.queue.enqueue(resolve); });
      }
    }
    const make = () => { const lock = new Lock(); return () => lock.acquire(); };`,
};

const TWO = `
  const acquireA = make(), acquireB = make();
  async function first() { const releaseA = await acquireA(); await tick(); const releaseB = await acquireB(); releaseB(); releaseA(); }
  async function second() { const releaseB = await acquireB(); await tick(); const releaseA = await acquireA(); releaseA(); releaseB(); }
  async function third(acquire) { const release = await acquire(); await delay(20_000); release(); }
  globalThis.kept = [];
`;

describe.each(Object.entries(LOCKS))('%s', (_, lock) => {
  test('two calls that hold one lock each, with calls queued behind', async () => {
    const cycles = await cyclesOf(`${TICK}${lock}${TWO}
      globalThis.kept.push(first(), second());
      setTimeout(() => { for (let i = 0; i < 40; i++) globalThis.kept.push(third(i % 2 ? acquireA : acquireB)); }, 20);`);
    expect(names(cycles)).toEqual([['first', 'second']]);
    expect(cycles[0]).toMatchObject({ blockedCalls: expect.any(Number) });
    expect(cycles[0]!.blockedCalls).toBeGreaterThanOrEqual(40);
  });

  test('contention: the holder waits for a timer', async () => {
    const cycles = await cyclesOf(`${TICK}${lock}${TWO}
      async function user() { const releaseA = await acquireA(); const releaseB = await acquireB(); await delay(20_000); releaseB(); releaseA(); }
      globalThis.kept.push(user());
      setTimeout(() => { globalThis.kept.push(first(), second(), first(), second()); }, 20);
      for (let i = 0; i < 40; i++) globalThis.kept.push(third(i % 2 ? acquireA : acquireB));`);
    expect(cycles).toEqual([]);
  });

  test('a lock that was released before, its function still at hand', async () => {
    const cycles = await cyclesOf(`${TICK}${lock}${TWO}
      async function oneByOne() { const releaseA = await acquireA(); await tick(); releaseA(); const releaseB = await acquireB(); releaseB(); releaseA.name; }
      async function otherWay() { const releaseB = await acquireB(); await delay(20); const releaseA = await acquireA(); releaseA(); releaseB(); }
      globalThis.kept.push(oneByOne(), third(acquireA), otherWay());`);
    expect(cycles).toEqual([]);
  });

  test('a timer releases', async () => {
    const cycles = await cyclesOf(`${TICK}${lock}${TWO}
      async function lend() { const release = await acquireA(); setTimeout(release, 20_000); }
      async function lendLater() { const release = await acquireB(); delay(20_000).then(() => release()); }
      async function main() { await lend(); await lendLater(); globalThis.kept.push(first(), second()); }
      main();`);
    expect(cycles).toEqual([]);
  });
});

describe('locks with methods', () => {
  const MUTEX = `
    class Mutex {
      locked = false; waiters = [];
      acquire() {
        if (!this.locked) { this.locked = true; return Promise.resolve(); }
        return new Promise((resolve) => this.waiters.push(resolve));
      }
      release() { const next = this.waiters.shift(); if (next) next(); else this.locked = false; }
      async runExclusive(job) { await this.acquire(); try { return await job(); } finally { this.release(); } }
    }
    const lockA = new Mutex(), lockB = new Mutex();
    globalThis.kept = [];`;

  test('a method that runs a job within the lock', async () => {
    const cycles = await cyclesOf(`${TICK}${MUTEX}
      async function first() { await lockA.runExclusive(async function inA() { await tick(); await lockB.runExclusive(async () => {}); }); }
      async function second() { await lockB.runExclusive(async function inB() { await tick(); await lockA.runExclusive(async () => {}); }); }
      globalThis.kept.push(first(), second());
      for (let i = 0; i < 20; i++) globalThis.kept.push(lockA.runExclusive(async () => {}));`);
    expect(cycles).toHaveLength(1);
    expect(cycles[0]!.kind).toBe('lock');
    expect([...cycles[0]!.locks].sort()).toEqual(['lockA (Mutex)', 'lockB (Mutex)']);
    expect(names(cycles)[0]).toEqual(expect.arrayContaining(['inA', 'inB']));
  });

  test('contention within such a method', async () => {
    const cycles = await cyclesOf(`${TICK}${MUTEX}
      async function first() { await lockA.runExclusive(async () => { await tick(); await lockB.runExclusive(async () => {}); }); }
      globalThis.kept.push(lockB.runExclusive(() => delay(20_000)), first(), first(), first());`);
    expect(cycles).toEqual([]);
  });

  test('where nothing tells who holds a lock, nothing is said', async () => {
    const cycles = await cyclesOf(`${TICK}${MUTEX}
      async function first() { await lockA.acquire(); await tick(); await lockB.acquire(); lockB.release(); lockA.release(); }
      async function second() { await lockB.acquire(); await tick(); await lockA.acquire(); lockA.release(); lockB.release(); }
      globalThis.kept.push(first(), second());`);
    expect(cycles).toEqual([]);
  });
});

test('three calls, three locks, thousands behind: names and positions', async () => {
  const cycles =
    await cyclesOf(`${TICK}${LOCKS['a class with an array of resolvers']!.replace('const make', 'const unused')}
    const a = new Mutex(), b = new Mutex(), c = new Mutex();
    async function one() { const release = await a.acquire(); await tick(); (await b.acquire())(); release(); }
    async function two() { const release = await b.acquire(); await tick(); (await c.acquire())(); release(); }
    async function three() { const release = await c.acquire(); await tick(); (await a.acquire())(); release(); }
    async function job(lock) { const release = await lock.acquire(); release(); }
    globalThis.kept = [one(), two(), three()];
    setTimeout(() => { for (let i = 0; i < 5000; i++) globalThis.kept.push(job([a, b, c][i % 3])); }, 20);`);
  expect(names(cycles)).toHaveLength(1);
  const [cycle] = cycles;
  expect(cycle!.kind).toBe('lock');
  const users = cycle!.calls.filter(({ functionName }) => functionName !== 'acquire');
  expect(users.map(({ functionName }) => functionName).sort()).toEqual(['one', 'three', 'two']);
  expect([...cycle!.locks].sort()).toEqual(['a (Mutex)', 'b (Mutex)', 'c (Mutex)']);
  for (const call of users) expect(call.url).toMatch(/rpc\.js$/);
  expect(users.find(({ functionName }) => functionName === 'one')!.line).toBeGreaterThan(1);
  expect(cycle!.blockedCalls).toBeGreaterThanOrEqual(5000);
});

describe('calls that await each other', () => {
  test('its own result; each other; through Promise.all, then and a handler', async () => {
    const cycles = await cyclesOf(`${TICK}
      async function self() { await tick(); await mine; }
      const mine = self();
      async function ping() { await tick(); await pongs; }
      async function pong() { await tick(); await pings; }
      const pings = ping(), pongs = pong();
      async function allOne() { await tick(); await Promise.all([delay(20_000), two]); }
      async function allTwo() { await tick(); await one.then((x) => x); }
      const one = allOne(), two = allTwo();
      async function deep() { await deeper(); }
      async function deeper() { await tick(); await new Promise((resolve, reject) => { depth.then((x) => resolve(x), reject); }); }
      const depth = deep();
      async function behind() { await pings; }
      const late = [behind(), behind()];`);
    expect(names(cycles)).toEqual([['allOne', 'allTwo'], ['deep', 'deeper'], ['ping', 'pong'], ['self']]);
    expect(cycles.map(({ kind }) => kind)).toEqual(['direct', 'direct', 'direct', 'direct']);
    expect(cycles.find(({ calls }) => calls.some(({ functionName }) => functionName === 'ping'))!.blockedCalls).toBe(2);
  });

  test('not where something else may end the wait', async () => {
    const cycles = await cyclesOf(`${TICK}
      async function raceOne() { await tick(); await Promise.race([delay(20_000), two]); }
      async function raceTwo() { await tick(); await one; }
      const one = raceOne(), two = raceTwo();
      async function guarded() { await tick(); await new Promise((resolve, reject) => { mine.then(resolve, reject); setTimeout(reject, 20_000); }); }
      const mine = guarded();
      async function anyOne() { await tick(); await Promise.any([four, delay(20_000)]); }
      async function anyTwo() { await tick(); await three; }
      const three = anyOne(), four = anyTwo();
      async function ready() { await isReady; }
      let setReady; const isReady = new Promise((resolve) => { setReady = resolve; });
      async function lost() { await globalThis.never; }
      globalThis.never = new Promise(() => {});
      globalThis.kept = [ready(), ready(), lost()];`);
    expect(cycles).toEqual([]);
  });
});
