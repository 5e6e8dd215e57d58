import { describe, expect, test } from 'vitest';
import { fold as foldBy } from '../../src/detectors/fold.ts';
import { relationOf } from '../../src/detectors/relation.ts';
import { detectors } from '../../src/detectors/rules/index.ts';
import type { Finding } from '../../src/detectors/types.ts';
import { findingWith, location } from '../support/recording.ts';

/** Of the first kind of its rule. */
function finding(rule: string, fields: Partial<Finding> = {}): Finding {
  const kind = detectors.find(({ id }) => id === rule)?.kinds[0]?.kind ?? '';
  return findingWith({ rule, kind, ...fields });
}

const fold = (findings: readonly Finding[]) => foldBy(findings, detectors);
const rules = (...findings: Finding[]) => fold(findings).map(({ rule }) => rule);

const blocked = (kind: string, { totalMs = 5000, manyCallsShare = 0 } = {}, fields: Partial<Finding> = {}) =>
  finding('blocked-event-loop', { kind, times: { maxMs: 300, totalMs }, evidence: { manyCallsShare }, ...fields });
const starved = (maxMs: number) =>
  finding('starved-event-loop', {
    kind: 'microtask',
    times: { maxMs, totalMs: maxMs },
    evidence: { maxMs, totalMs: maxMs },
  });
const churn = finding('task-switch-churn', { kind: 'awaits' });
const switching = { ...churn, evidence: { busyMs: 6000 } };
const collected = (totalMs: number) => finding('gc-pressure', { kind: 'allocation', times: { maxMs: 200, totalMs } });
const pressure = collected(900);
const bound = finding('cpu-bound-main-thread', { kind: 'computation', evidence: { busyMs: 6000 } });
const overloaded = finding('overloaded-event-loop', { kind: 'callbacks', evidence: { busyMs: 6000 } });
const pause = finding('gc-pause', { kind: 'gc', location: null });
const storm = finding('timer-storm', { kind: 'timers' });
const flood = finding('unbounded-concurrency', { kind: 'retries' });
const deep = finding('deep-async-chain', { kind: 'async' });

describe('at one function, of two findings', () => {
  test.each([
    ['one long call', blocked('sync-fs'), overloaded],
    ['one long computation', blocked('js-cpu'), bound],
    ['calls of a request each, one after the other', blocked('js-cpu', { manyCallsShare: 1 }), bound],
    ['turns that are long as a whole', overloaded, blocked('js-cpu', { manyCallsShare: 0.5 })],
    ['stalls that are the smaller part of the busy time', bound, blocked('js-cpu', { totalMs: 1700 })],
    ['deep recursion', deep, starved(3000)],
    ['a storm of timers', storm, overloaded],
    ['a long chain', starved(500), churn],
    ['many switches, with short chains', churn, starved(499)],
    ['many switches, with one long chain among them', switching, starved(600)],
    ['a chain that is most of the switches', starved(4000), switching],
    ['allocation', pressure, bound],
    ['computation', bound, overloaded],
    ['allocation, for a pause without a place', pressure, pause],
    ['allocation, for a stall of the collector elsewhere', pressure, blocked('gc', {}, { location: null })],
    ['a stall of the collector', blocked('gc'), pause],
    ['short chains, for stalls of about the same time', starved(230), blocked('js-cpu', { totalMs: 900 })],
    ['a flood, for a starved loop without a place', flood, { ...starved(900), location: null }],
  ])('%s is the cause', (_what, cause, symptom) => {
    for (const order of [
      [cause, symptom],
      [symptom, cause],
    ]) {
      expect(fold(order)).toEqual([{ ...cause, symptoms: [symptom] }]);
    }
  });
});

test('answers that do not end explain that a caller waits for the network, unless most have no answer yet', () => {
  const caller = { ...location, line: 60, function: 'load' };
  const unread = (count: number) =>
    finding('stuck-async', { kind: 'answer', count, stack: [location, caller], evidence: { alive: count } });
  const waiting = finding('missing-timeout', { count: 35, location: caller, stack: [caller] });
  expect(fold([waiting, unread(7)])).toEqual([{ ...unread(7), symptoms: [waiting] }]);
  expect(fold([waiting, unread(3)])).toEqual([{ ...waiting, symptoms: [unread(3)] }]);
});

const floating = (rejected: number, line = location.line) =>
  finding('floating-promises', { location: { ...location, line }, evidence: { rejected } });

describe('of two things at one function that never end', () => {
  test.each([
    ['a deadlock, for its queue', 'async-deadlock', 'growing-pending-async'],
    ['a deadlock, for the first in its queue', 'async-deadlock', 'stuck-async'],
    ['aborted work, for what it left open', 'cancellation-without-cleanup', 'leaked-handles'],
    ['aborted work, for its connections', 'cancellation-without-cleanup', 'missing-timeout'],
    ['too much at once, for late answers', 'unbounded-concurrency', 'missing-timeout'],
    ['too much at once, for calls that pile up', 'unbounded-concurrency', 'growing-pending-async'],
    ['too much at once, for a busy loop', 'unbounded-concurrency', 'overloaded-event-loop'],
    ['workers, for their ports', 'growing-workers', 'leaked-handles'],
    ['a missing timeout, for its sockets', 'missing-timeout', 'leaked-handles'],
    ['a missing timeout, for calls that pile up', 'missing-timeout', 'growing-pending-async'],
    ['a leak, for calls that wait for it', 'leaked-handles', 'growing-pending-async'],
    ['listeners, for calls that wait for the event', 'leaked-listeners', 'growing-pending-async'],
    ['calls that pile up, for their reactions', 'growing-pending-async', 'leak-suspect'],
    ['recursion, for its suspended calls', 'deep-async-chain', 'growing-pending-async'],
    ['a storm of timers, for its timers', 'timer-storm', 'leaked-handles'],
  ])('%s: %s, not %s', (_what, cause, symptom) => {
    expect(rules(finding(cause), finding(symptom))).toEqual([cause]);
    expect(rules(finding(symptom), finding(cause))).toEqual([cause]);
  });

  test('a call that nobody awaits, for its rejections', () => {
    expect(rules(floating(2), finding('unhandled-rejections'))).toEqual(['floating-promises']);
    expect(rules(floating(2, 99), finding('unhandled-rejections'))).toHaveLength(2);
  });

  test('calls that pile up, for being awaited by nobody; not for their errors', () => {
    const stack = [location, { ...location, line: 30, function: 'main' }];
    const main = (rejected: number) => finding('floating-promises', { location: stack[1]!, evidence: { rejected } });
    expect(rules(finding('growing-pending-async', { stack }), main(0))).toEqual(['growing-pending-async']);
    expect(rules(finding('growing-pending-async', { stack }), main(2))).toHaveLength(2);
  });

  test('a deadlock, for what queues up elsewhere', () => {
    const queue = [{ ...location, function: 'audit' }];
    const deadlock = finding('async-deadlock', { alsoAt: queue });
    expect(rules(deadlock, finding('growing-pending-async', { location: queue[0]! }))).toEqual(['async-deadlock']);
  });
});

const elsewhere = { ...location, file: '/srv/other.js' };
const atTheLoop = { location: null };
describe('two causes stay two', () => {
  test.each([
    ['at two functions', blocked('sync-fs'), { ...overloaded, location: elsewhere }],
    ['without a place', blocked('sync-fs'), { ...overloaded, ...atTheLoop }],
    ['of one rule', blocked('sync-fs'), blocked('json')],
    ['at start-up', blocked('sync-fs', {}, { startup: true }), overloaded],
    ['by the host', blocked('host', {}, atTheLoop), overloaded],
    ['by loading modules', blocked('module-load'), overloaded],
    ['of which one is unknown here', finding('somebody-elses'), overloaded],
    ['a leak and a busy loop', finding('leaked-handles'), overloaded],
    ['a blocking call and a missing timeout', blocked('sync-fs'), finding('missing-timeout')],
    ['a blocking call and too much at once', blocked('sync-fs'), finding('unbounded-concurrency')],
    ['orphans and a missing timeout', finding('orphaned-async'), finding('missing-timeout')],
    ['an error that ends the process, and a leak', finding('unhandled-rejections'), finding('leaked-handles')],
    ['of which one is the recording', finding('recording-quality', atTheLoop), { ...overloaded, ...atTheLoop }],
    ['pause and computation', bound, pause],
    ['a call that blocks and a storm of timers', blocked('sync-fs'), storm],
    ['short collections and many stalls', collected(230), blocked('js-cpu', { totalMs: 2000 })],
    ['a few short chains and many stalls', starved(230), blocked('js-cpu', { totalMs: 2000 })],
  ])('%s', (_what, one, other) => {
    expect(rules(one, other).sort()).toEqual([one.rule, other.rule].sort());
    expect(fold([one, other]).every(({ symptoms }) => symptoms.length === 0)).toBe(true);
  });
});

test('the cause is the work of those whose work its symptom is, if it does not know itself', () => {
  const work = [{ kind: 'request' as const, name: 'GET /report', count: 3 }];
  const waited = [{ kind: 'request' as const, name: 'GET /', count: 9 }];
  const symptom = { ...blocked('gc'), work, waited };
  expect(fold([pressure, symptom])).toMatchObject([{ rule: 'gc-pressure', work: [{ ...work[0], count: 1 }], waited }]);
  const known = { ...pressure, work: [{ ...work[0]!, name: 'GET /other' }] };
  expect(fold([known, symptom])).toMatchObject([{ work: known.work }]);
});

test('a function on the stack is a place as well, one of Node or of a package is not', () => {
  const under = (file: string) => ({ ...overloaded, location: elsewhere, stack: [elsewhere, { ...location, file }] });
  expect(rules(churn, under(location.file))).toEqual(['task-switch-churn']);
  for (const file of ['node:internal/timers', '/srv/node_modules/lib/index.js']) {
    const cause = { ...churn, location: { ...location, file } };
    expect(rules(cause, under(file))).toEqual(['task-switch-churn', 'overloaded-event-loop']);
  }
});

test('a storm of timers explains whatever its timers call', () => {
  const timers = { ...location, file: 'node:internal/timers', function: 'listOnTimeout' };
  expect(rules(storm, { ...overloaded, location: elsewhere, stack: [elsewhere, timers] })).toEqual(['timer-storm']);
});

test('findings of the whole loop need no place to be one', () => {
  expect(rules(bound, { ...overloaded, location: null })).toEqual(['cpu-bound-main-thread']);
});

test('the cause is as severe as its worst symptom, and what was given stays as it was', () => {
  const given = [churn, starved(300), { ...overloaded, severity: 'critical' as const, score: 90 }];
  const before = structuredClone(given);
  const [cause, ...others] = fold(given);
  expect(others).toEqual([]);
  expect(cause).toMatchObject({ rule: 'task-switch-churn', severity: 'critical', score: 90 });
  expect(cause?.symptoms).toEqual([given[1], given[2]]);
  expect(given).toEqual(before);
});

describe('memory that grows', () => {
  const heap = finding('growing-heap', { kind: 'old-space', location: null });
  const external = finding('growing-external-memory', { kind: 'external', location: null });
  const kept = finding('leak-suspect', { kind: 'kept-objects' });
  const copies = finding('memory-churn', { kind: 'copying' });

  test.each([
    ['who keeps it', kept, [heap, external]],
    ['handles that are never closed', finding('leaked-handles'), [heap]],
    ['more and more calls', finding('growing-pending-async'), [heap]],
    ['copies of Buffers', copies, [external]],
  ])('%s explains it', (_what, cause, symptoms) => {
    expect(rules(...symptoms, cause)).toEqual([cause.rule]);
  });

  test.each([
    ['a limit that is near is a warning of its own', kept, { ...heap, kind: 'near-limit' }],
    ['information explains no warning', { ...kept, severity: 'info' as const }, heap],
    ['an error that nobody handles keeps nothing', finding('unhandled-rejections'), heap],
    ['nor does a call that nobody awaits', finding('floating-promises'), heap],
    ['objects that live for a moment are not those that stay', { ...copies, kind: 'allocation' }, heap],
  ])('%s', (_what, other, symptom) => {
    expect(rules(other, symptom)).toHaveLength(2);
  });
});

describe('the relation', () => {
  const edges = detectors.flatMap(({ id, kinds, explains = [] }) => explains.map((edge) => ({ id, kinds, edge })));

  test('has no circle, whatever the kind', () => {
    expect(() => relationOf(detectors)).not.toThrow();
    const [one, other] = ['stuck-async', 'lost-async'].map((id) => detectors.find((rule) => rule.id === id)!);
    const back = { ...other!, explains: [{ rule: one!.id }] };
    expect(() => relationOf([{ ...one!, explains: [{ rule: back.id }] }, back])).toThrow(/in a circle/);
  });

  test.each(edges)('$id explains $edge.rule: rules and kinds that exist', ({ kinds, edge }) => {
    const symptom = detectors.find(({ id }) => id === edge.rule);
    expect(symptom, `no rule '${edge.rule}'`).toBeDefined();
    const names = (texts: readonly { kind: string }[]) => texts.map(({ kind }) => kind);
    expect(names(symptom!.kinds)).toEqual(expect.arrayContaining([...(edge.kinds ?? [])]));
    expect(names(kinds)).toEqual(expect.arrayContaining([...(edge.of ?? [])]));
  });
});

describe('very many findings', () => {
  /** How often the file of a place is read while so many findings are folded. */
  function reads(count: number, functions: number): number {
    let times = 0;
    const place = (n: number) => ({
      ...{ line: n, column: 1, function: `f${n % functions}` },
      get file() {
        times++;
        return '/srv/app.js';
      },
    });
    const all = Array.from({ length: count }, (_, i) => {
      const { id } = detectors[i % detectors.length]!;
      return finding(id, { location: place(i), stack: [place(i), place(i + 1)], severity: i % 2 ? 'info' : 'warning' });
    });
    times = 0;
    expect(fold(all).length).toBeLessThan(count);
    return times;
  }

  test.each([
    ['each at a function of its own', 1e6],
    ['at a hundred functions', 100],
    ['all at one function', 1],
  ])('%s: the work grows with their number, not with their pairs', (_what, functions) => {
    const [few, many] = [reads(5000, functions), reads(10_000, functions)];
    expect(many / few).toBeLessThan(2.5);
    expect(many / 10_000).toBeLessThan(100);
  });
});
