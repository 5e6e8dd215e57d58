import { beforeAll, describe, expect, test } from 'vitest';
import { type Analysed, analyse } from './take-snapshot.ts';

const PROGRAM = `
  const never = new Promise((resolve) => { globalThis.settleNever = resolve; });
  async function leaf() { await never; }
  async function middle() { const before = 1; await leaf(); return before; }
  async function outer() { await middle(); }
  class Service { async method() { await leaf(); } }
  const arrow = async () => { await leaf(); };

  let ready;
  const isReady = new Promise((resolve) => { ready = resolve; });
  async function startUp() { await never; ready(); }
  async function needsReady(i) { await isReady; return i; }

  async function part(i) { await never; return i; }
  async function withAll() { await Promise.all([part(1), part(2)]); }
  async function withRace() { await Promise.race([part(3)]); }
  async function withAny() { await Promise.any([part(4)]); }
  async function withSettled() { await Promise.allSettled([part(5)]); }
  async function withThen() { await part(6).then((x) => x).catch(() => 0).finally(() => 1); }
  async function withAdopted() { await new Promise((resolve, reject) => { part(7).then(resolve, reject); }); }
  async function withHandler() { await new Promise((resolve) => { part(8).then((x) => { resolve(x + 1); }); }); }
  async function withReturned() { return part(9); }
  async function afterReturned() { await withReturned(); }
  async function withThenable() { await { then(resolve) { part(10).then(resolve); } }; }

  async function* numbers() { yield 1; await leaf(); yield 2; }
  async function* delegating() { yield* numbers(); }
  async function consumer() { for await (const n of delegating()) globalThis.n = n; }
  async function overArray() { for await (const x of [part(11)]) globalThis.x = x; }
  async function* idle() { yield 1; yield 2; }
  async function* unstarted() { yield 1; }
  function* plain() { yield 1; yield 2; }
  async function done() {}
  async function viaPrivate() { const box = new Sub((resolve) => { globalThis.sub = resolve; }); await box; }
  class Sub extends Promise {}

  globalThis.kept = [outer(), new Service().method(), arrow(), startUp(), needsReady(1), needsReady(2), needsReady(3),
    withAll(), withRace(), withAny(), withSettled(), withThen(), withAdopted(), withHandler(), afterReturned(), withThenable(),
    consumer(), overArray(), done(), viaPrivate(), unstarted(), plain()];
  globalThis.idle = idle(); globalThis.idle.next();
  globalThis.plainOne = plain(); globalThis.plainOne.next();
`;

let analysed: Analysed;
beforeAll(async () => {
  analysed = await analyse(PROGRAM);
});

/** Names of the calls that wait for the result of any call of that name. */
function waitersOf(name: string): string[] {
  const { calls } = analysed;
  const names = calls.filter((call) => call.functionName === name).flatMap(({ awaitedBy }) => awaitedBy);
  return [...new Set(names.map((index) => calls[index]!.functionName))].sort();
}

describe('suspended calls', () => {
  test('all, and no others', () => {
    const names = analysed.calls.filter(({ url }) => url.endsWith('rpc.js')).map(({ functionName }) => functionName);
    const once = ['outer', 'middle', 'method', 'arrow', 'startUp', 'withAll', 'withRace', 'withAny', 'withSettled'];
    for (const name of once)
      expect(
        names.filter((each) => each === name),
        name,
      ).toHaveLength(1);
    expect(names.filter((name) => name === 'part')).toHaveLength(11);
    expect(names.filter((name) => name === 'needsReady')).toHaveLength(3);
    for (const name of ['idle', 'unstarted', 'plain', 'done']) expect(names).not.toContain(name);
  });

  test('where the function begins', () => {
    expect(analysed.named('leaf')).toMatchObject({ line: 3, kind: 'async function' });
    expect(analysed.named('leaf').url).toMatch(/rpc\.js$/);
    expect(analysed.named('leaf').column).toBeGreaterThan(3);
    expect(analysed.named('numbers').kind).toBe('async generator');
  });

  test('a chain of calls', () => {
    expect(waitersOf('middle')).toEqual(['outer']);
    expect(waitersOf('leaf')).toEqual(['arrow', 'method', 'middle', 'numbers']);
    expect(analysed.named('outer').waitsFor).toBe(analysed.named('middle').resultPromise);
    expect(analysed.named('outer').awaitedBy).toEqual([]);
  });

  test('a promise with several reactions', () => {
    const waiting = analysed.calls.filter(({ functionName }) => functionName === 'needsReady');
    expect(new Set(waiting.map(({ waitsFor }) => waitsFor)).size).toBe(1);
  });

  test('through Promise.all and its kin, derived promises and handlers', () => {
    expect(waitersOf('part')).toEqual([
      'afterReturned',
      'overArray',
      'withAdopted',
      'withAll',
      'withAny',
      'withHandler',
      'withRace',
      'withSettled',
      'withThen',
      'withThenable',
    ]);
  });

  test('generators', () => {
    expect(waitersOf('numbers')).toEqual(['delegating']);
    expect(waitersOf('delegating')).toEqual(['consumer']);
  });

  test('a subclass of Promise', () => {
    expect(analysed.named('viaPrivate').waitsFor).toBeGreaterThan(0);
  });
});
