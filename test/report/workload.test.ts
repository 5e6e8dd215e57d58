import { describe, expect, test } from 'vitest';
import type { Header, Recording, Row, RowOf } from '../../src/recording/types.ts';
import { type Workload, workloadsOf } from '../../src/report/workload.ts';
import { agentCost, cpu, entry, recordingOf, stall, unfinished, utilization } from '../support/recording.ts';

const SECOND = 1000;
type CpuFields = Partial<RowOf<'cpu'>>;

/** A second of a loop that was busy for that share, and took so much CPU time. */
function second(t: number, busy: number, fields: CpuFields): Row[] {
  return [utilization(busy, t), cpu({ t, ...fields })];
}

/** Five such seconds after one of start-up, which was idle. */
function steady(busy: number, fields: CpuFields, head: Partial<Header> = {}, more: Row[] = []): Recording {
  const startUp = second(SECOND, 0, { userMs: 0, mainThreadMs: 0 });
  const rows = [2, 3, 4, 5, 6].flatMap((n) => second(n * SECOND, busy, fields));
  return recordingOf([...startUp, ...rows, ...more], head);
}

/** CPU time that only the main thread took. */
function main(ms: number, fields: CpuFields = {}): CpuFields {
  return { userMs: ms, mainThreadMs: ms, ...fields };
}

function workload(recording: Recording): Workload {
  return workloadsOf([recording])[0]!;
}

/** One stall a second, each of that length. */
function stalls(durationMs: number): Row[] {
  return [2, 3, 4, 5].map((n) => stall({ t: 6000, startMs: n * SECOND, durationMs, kind: 'js-cpu' }));
}

describe('class and tool', () => {
  test.each<[string, string, Recording, string]>([
    ['no load', 'idle', steady(0.01, main(5)), 'nothing to tune'],
    ['long pieces of computing', 'cpu-bound', steady(0.95, main(940), {}, stalls(900)), 'worker pool (piscina'],
    ['short pieces of computing', 'cpu-bound', steady(0.95, main(940)), 'node:cluster'],
    ['computing on one core', 'cpu-bound', steady(0.95, main(940), { cpuCount: 1 }), 'only core'],
    ['few long pieces of computing', 'cpu-bound', steady(0.2, main(190), {}, stalls(160)), 'only 20 % of the time'],
    ['waiting for others', 'io-bound', steady(0.15, main(140)), 'asynchronous I/O with more concurrency'],
    ['waiting in synchronous calls', 'io-bound', steady(0.9, main(200)), 'asynchronous forms'],
    ['a few synchronous waits', 'io-bound', steady(0.2, main(20), {}, stalls(160)), 'asynchronous forms'],
    ['some of both', 'mixed', steady(0.5, main(480)), 'Keep the I/O on the loop'],
    ['other threads', 'cpu-bound', steady(0.1, { userMs: 3000, mainThreadMs: 90 }), 'the work is in other threads'],
    [
      'other threads, with the main thread waiting for them',
      'cpu-bound',
      steady(0.95, { userMs: 2000, mainThreadMs: 20 }),
      'waited in synchronous calls',
    ],
    [
      'all cores in use',
      'cpu-bound',
      steady(0.1, { userMs: 1950, mainThreadMs: 90 }, { cpuCount: 2 }),
      'All 2 cores are in use',
    ],
  ])('%s: %s', (_, expected, recording, words) => {
    const { class: found, advice } = workload(recording);
    expect(found).toBe(expected);
    expect(advice).toContain(words);
    expect(advice).toMatch(/^[A-Z].*\.$/);
  });

  test('an idle program in which requests wait is not one with nothing to tune', () => {
    const open: Row = { t: 4000, type: 'active-resources', total: 11, counts: { TCPServerWrap: 1, TCPSocketWrap: 10 } };
    const served = workload(steady(0.01, main(5), {}, [open]));
    expect(served).toMatchObject({ class: 'idle', advice: expect.stringContaining('while 10 connections were open') });
    expect(served.advice).not.toContain('nothing to tune');
    const stuck = unfinished(5000, [entry({ alive: 10, oldestMs: 4000 }), entry({ alive: 3, oldestMs: 20 })], {
      inbound: 10,
    });
    expect(workload(steady(0.01, main(5), {}, [open, stuck]))).toMatchObject({
      class: 'io-bound',
      advice: expect.stringContaining('while 10 calls of its own waited'),
    });
  });

  test('a platform that does not tell the CPU time of a thread', () => {
    const unknown = { mainThreadMs: null, runQueueMs: null };
    expect(workload(steady(0.95, { userMs: 940, ...unknown })).class).toBe('cpu-bound');
    expect(workload(steady(0.1, { userMs: 3000, ...unknown })).advice).toContain('other threads');
    expect(workload(steady(0.9, { userMs: 200, ...unknown })).class).toBe('io-bound');
  });

  test("the agent's own thread is no load of the program", () => {
    const watchdog = [2, 3, 4, 5, 6].map((n) => agentCost({ t: n * SECOND, watchdogMs: 80 }));
    expect(workload(steady(0.01, { userMs: 85, mainThreadMs: 5 }, {}, watchdog)).class).toBe('idle');
  });
});

describe('time', () => {
  const loading = second(SECOND, 1, main(990));

  test('start-up does not count where there is more', () => {
    const serving = [2, 3].flatMap((n) => second(n * SECOND, 0.1, main(90)));
    expect(workload(recordingOf([...loading, ...serving])).class).toBe('io-bound');
    expect(workload(recordingOf(loading)).class).toBe('cpu-bound');
  });

  test('the loop begins to count when it first turns', () => {
    // Modules were loaded for three seconds: CPU time, but no loop yet.
    const cpus = [1, 2, 3].map((n) => cpu({ t: n * SECOND, ...main(990) }));
    const rows = [...cpus, utilization(0.1, 4000), cpu({ t: 4000, ...main(90) })];
    expect(workload(recordingOf(rows)).class).toBe('io-bound');
  });

  test('phases count by their length', () => {
    const busy = { ...utilization(1, 11_000), activeMs: 9000, idleMs: 0 };
    const free = utilization(0, 12_000);
    const cpus = [cpu({ t: 11_000, ...main(8900), intervalMs: 9000 }), cpu({ t: 12_000, ...main(0) })];
    expect(workload(recordingOf([...loading, busy, free, ...cpus])).class).toBe('cpu-bound');
    const phases = [2, 3, 4, 5].flatMap((n) => second(n * SECOND, n % 2, main((n % 2) * 950)));
    expect(workload(recordingOf([...loading, ...phases])).class).toBe('mixed');
  });

  test('a loop that stays blocked to the end is busy, though it leaves no row', () => {
    const blocked = [3, 4, 5, 6, 7, 8].map((n) => cpu({ t: n * SECOND, ...main(990) }));
    const rows = [...loading, ...second(2000, 0.01, main(9)), ...blocked];
    expect(workload(recordingOf(rows))).toMatchObject({
      class: 'cpu-bound',
      advice: expect.stringContaining('kept the loop busy'),
    });
  });
});

describe('what cannot be told', () => {
  test.each<[string, Row[]]>([
    ['nothing', []],
    ['only CPU time', [cpu()]],
    ['only utilization', [utilization(0.5)]],
    ['only empty intervals', [cpu({ intervalMs: 0 }), { ...utilization(0), idleMs: 0 }]],
  ])('%s recorded', (_, rows) => {
    expect(workload(recordingOf(rows))).toMatchObject({
      class: 'unknown',
      advice: expect.stringContaining('Too little'),
    });
  });

  test('a busy host', () => {
    const { class: found, advice } = workload(steady(0.95, main(600, { runQueueMs: 300 })));
    expect(found).toBe('unknown');
    expect(advice).toContain('waited for a core 33 % of the time');
  });

  test('a busy host during start-up only, or for a moment, or beside an idle program', () => {
    expect(workload(steady(0.95, main(900, { runQueueMs: 40 }))).class).toBe('cpu-bound');
    const startUp = second(SECOND, 1, main(300, { runQueueMs: 700 }));
    expect(workload(recordingOf([...startUp, ...second(2000, 0.1, main(90))])).class).toBe('io-bound');
    expect(workload(steady(0.01, main(5, { runQueueMs: 5 }))).class).toBe('idle');
  });

  test('a container at its limit', () => {
    const half = steady(0.98, main(480), { containerCpus: 0.5 });
    expect(workload(half)).toMatchObject({ class: 'unknown', advice: expect.stringContaining('limit of 0.5 CPUs') });
    // One thread that computes all the time cannot use more than one core anyway.
    expect(workload(steady(0.98, main(970), { containerCpus: 1 })).class).toBe('cpu-bound');
    expect(workload(steady(0.1, main(90), { containerCpus: 0.5 })).class).toBe('io-bound');
  });
});

describe('families', () => {
  const worker = (threadId: number, busy: number, fields: CpuFields) => steady(busy, fields, { threadId });
  const classes = (...family: Recording[]) => workloadsOf(family).map((found) => found.class);

  test('a free main thread with busy workers says that these compute', () => {
    const root = steady(0.05, { userMs: 1850, mainThreadMs: 40 });
    const workers = [2, 3].map((id) => worker(id, 0.9, { userMs: 1850, mainThreadMs: 890 }));
    const [first, ...rest] = workloadsOf([root, ...workers]);
    expect(first).toMatchObject({
      class: 'cpu-bound',
      advice: expect.stringContaining('the work is in other threads, worker threads compute (2 recorded)'),
    });
    expect(rest.map((found) => found.class)).toEqual(['cpu-bound', 'cpu-bound']);
  });

  test('a worker is judged by its own CPU time, not by that of the process', () => {
    const process = { userMs: 1000 };
    // The workers of a pool wait for jobs in Atomics.wait: their loop looks busy.
    expect(classes(worker(2, 1, { ...process, mainThreadMs: 5 }))).toEqual(['idle']);
    expect(classes(worker(2, 0.2, { ...process, mainThreadMs: 180 }))).toEqual(['io-bound']);
    expect(classes(worker(2, 0.6, { ...process, mainThreadMs: 500 }))).toEqual(['mixed']);
    expect(classes(worker(2, 1, { ...process, mainThreadMs: 500, runQueueMs: 450 }))).toEqual(['unknown']);
    expect(classes(worker(2, 1, { ...process, mainThreadMs: null, runQueueMs: null }))).toEqual(['unknown']);
  });

  test('an idle primary points to its children, and busy ones do not ask for more than the cores', () => {
    const primary = steady(0.01, main(5));
    const children = [1, 2, 3, 4].map((n) => steady(0.95, main(940), { pid: 100 + n, parentPid: 100 }));
    const [first, child] = workloadsOf([primary, ...children]);
    expect(first).toMatchObject({ class: 'idle', advice: expect.stringContaining('4 other processes') });
    expect(child).toMatchObject({ class: 'cpu-bound', advice: expect.stringContaining('all 4 cores already') });
  });
});
