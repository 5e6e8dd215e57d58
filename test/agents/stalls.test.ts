import { describe, expect, test } from 'vitest';
import type { DelayHistogram } from '../../agents/samplers/types.ts';
import { createSharedMemory, OWN_WORK, type RawFrame, Sum, SYNC_CALLS, Word } from '../../agents/shared-memory.ts';
import type { TaskState } from '../../agents/watchdog/platform/thread-stat.ts';
import { createMarkedCalls } from '../../agents/watchdog/stall/marked-calls.ts';
import { StallWatch } from '../../agents/watchdog/stall/stalls.ts';
import type { StallWatchOptions } from '../../agents/watchdog/stall/types.ts';
import { CONFIDENCE } from '../../src/detectors/confidence.ts';
import type { InterruptedStack } from '../../src/protocol/thread-api.ts';
import { createFrameMapper } from '../../src/recording/source-maps.ts';
import type { StallOpenRow, StallRow } from '../../src/recording/types.ts';

const TICK_MS = 10;

/** Of the time: on a core and without one; and the state of the thread, where the platform tells. */
interface Share {
  cpu?: number;
  queue?: number;
  state?: TaskState;
}
const HANDLER: RawFrame = ['handler', '/no/app.js', 12, 3];

/** A main thread with a hand-driven clock and heartbeat. */
interface FakeOptions {
  slowMs?: number;
  firstBeats?: number;
  startAt?: number;
  answers?: boolean;
  hasServed?: boolean;
  isWorker?: boolean;
  waiting?: number;
}

function fakeThread(options: FakeOptions = {}) {
  const shared = createSharedMemory();
  const histogram = { count: options.firstBeats ?? 0, max: 0 };
  const opened: StallOpenRow[] = [];
  const closed: StallRow[] = [];
  const live: Parameters<StallWatchOptions['onLive']>[0][] = [];
  const seen = { asked: 0, detached: 0 };
  let now = options.startAt ?? 0;
  let cpuMs = 0;
  let runQueueMs = 0;
  let state: TaskState | null = null;
  let frames: RawFrame[] = [HANDLER];
  let pending: ((stack: InterruptedStack) => void)[] = [];
  const marks = createMarkedCalls(shared);
  const watch = new StallWatch({
    shared,
    histogram: histogram as unknown as DelayHistogram,
    slowMs: options.slowMs ?? 100,
    capture: {
      ask(_user, _question, answer) {
        seen.asked++;
        if (options.answers === false) pending.push(answer);
        else answer({ count: histogram.count, turns: 0, asyncId: 1, triggerId: 0, idleMs: 0, frames });
      },
      call: () => {},
      post: () => {},
      letGo: () => {},
      detach: () => void seen.detached++,
      hasEnded: () => false,
    },
    toFrame: createFrameMapper(),
    marks,
    startMonotonicMs: 0,
    maps: { mapped: (make, use) => use(make()), isUnknown: () => false },
    now: () => now,
    thread: {
      cpu: () => ({ cpuMs, runQueueMs, timeslices: 0 }),
      limit: () => null,
      pressure: () => null,
      stat: () => (state === null ? null : { state, majorFaults: 0, diskMs: 0 }),
    },
    waiting: () => options.waiting ?? 1,
    isWorker: options.isWorker ?? false,
    hasServed: () => options.hasServed ?? true,
    onOpen: (row) => opened.push(row),
    onLive: (stall) => live.push(stall),
    onClose: (row) => closed.push(row),
  });
  const pass = (ms: number, beats: boolean, share: Share = {}): void => {
    state = share.state ?? null;
    for (let passed = 0; passed < ms; passed += TICK_MS) {
      now += TICK_MS;
      cpuMs += TICK_MS * (share.cpu ?? (beats ? 0 : 1));
      runQueueMs += TICK_MS * (share.queue ?? 0);
      if (beats) histogram.count++;
      watch.tick(now, TICK_MS);
    }
  };
  return {
    shared,
    histogram,
    marks,
    watch,
    opened,
    closed,
    live,
    seen,
    stack: (...next: RawFrame[]) => {
      frames = next;
    },
    /** The native call returns: all who have asked get the same stack. */
    answer: (count: number, entered: 0 | 1 = 0) => {
      for (const answer of pending) answer({ count, turns: 0, asyncId: 1, triggerId: 0, idleMs: 0, frames, entered });
      pending = [];
    },
    idle: (ms: number) => pass(ms, true),
    block: (ms: number, share?: Share) => pass(ms, false, share),
  };
}

describe('no stall', () => {
  test('while the loop turns or waits', () => {
    const thread = fakeThread();
    thread.idle(5000);
    thread.watch.finish(5000);
    expect([thread.opened, thread.closed, thread.seen.asked]).toEqual([[], [], 0]);
  });

  test('below the threshold, though stacks are taken from half of it on', () => {
    const thread = fakeThread();
    thread.idle(100);
    thread.block(80);
    thread.idle(200);
    expect([thread.opened, thread.closed]).toEqual([[], []]);
    expect(thread.seen.asked).toBeGreaterThan(0);
    expect(thread.watch.isOpen()).toBe(false);
  });

  test('when the watchdog itself starts late, beside a loop that has turned', () => {
    const thread = fakeThread({ firstBeats: 25, startAt: 400 });
    thread.watch.tick(401, TICK_MS);
    thread.idle(300);
    expect([thread.opened, thread.closed]).toEqual([[], []]);
  });
});

describe('a stall', () => {
  test('is told when it crosses the threshold, again when it has doubled, and closed with its place', () => {
    const thread = fakeThread();
    thread.idle(200);
    thread.block(700);
    expect(thread.opened.map(({ durationMs }) => durationMs)).toEqual([100, 200, 400]);
    expect(new Set(thread.opened.map(({ id }) => id)).size).toBe(1);
    expect(thread.opened.at(-1)).toMatchObject({ startMs: 200, kind: 'js-cpu', location: { line: 12 } });
    expect(thread.live).toHaveLength(1);
    expect(thread.live[0]).toMatchObject({ durationMs: 500, location: { function: 'handler' } });
    thread.idle(100);
    expect(thread.closed).toHaveLength(1);
    expect(thread.closed[0]).toMatchObject({
      id: thread.opened[0]!.id,
      kind: 'js-cpu',
      startup: false,
      confidence: CONFIDENCE.agreeing,
    });
    expect(thread.closed[0]!.durationMs).toBeCloseTo(710, 0);
    expect(thread.closed[0]!.stacks[0]!.frames[0]).toMatchObject({ file: '/no/app.js', line: 12 });
  });

  test('lets go of the inspector once it is over', () => {
    const thread = fakeThread();
    thread.idle(100);
    thread.block(300);
    expect(thread.seen.detached).toBe(0);
    thread.idle(200);
    expect(thread.seen.detached).toBeGreaterThan(0);
  });

  test('takes a bounded number of stacks, however long it lasts', () => {
    const thread = fakeThread();
    thread.idle(100);
    thread.block(600_000);
    expect(thread.seen.asked).toBeLessThanOrEqual(48);
    thread.idle(100);
    expect(thread.closed[0]!.stacks.length).toBeLessThanOrEqual(8);
  });

  test('that ends with the process is closed', () => {
    const thread = fakeThread();
    thread.idle(100);
    thread.block(400);
    thread.watch.finish(500);
    expect(thread.closed).toHaveLength(1);
    expect(thread.closed[0]).toMatchObject({ startMs: 100, durationMs: 400, location: { line: 12 } });
  });

  test('of a start that began before anybody looked is the code’s, by what was read since', () => {
    const thread = fakeThread({ startAt: 60 });
    thread.block(90);
    thread.idle(100);
    expect(thread.closed).toMatchObject([{ startMs: 0, kind: 'js-cpu', startup: true }]);
    // But for the tick that noticed its end.
    expect(thread.closed[0]!.cpuMs).toBeGreaterThan(thread.closed[0]!.durationMs * 0.8);
  });

  test('has its first turn at start-up', () => {
    const thread = fakeThread();
    thread.block(400);
    thread.idle(100);
    expect(thread.closed[0]).toMatchObject({ startup: true, startMs: expect.closeTo(0, 0) });
    expect(thread.live).toEqual([]);
  });
});

describe('its cause', () => {
  test('is named by most of its time', () => {
    const thread = fakeThread();
    thread.idle(100);
    thread.stack(['brief', '/no/app.js', 1, 1]);
    thread.block(100);
    thread.stack(HANDLER);
    thread.block(900);
    thread.idle(100);
    expect(thread.closed[0]!.location).toMatchObject({ function: 'handler', line: 12 });
    expect(thread.closed[0]!.stacks.map(({ location }) => location?.function)).toEqual(['handler', 'brief']);
  });

  test('is the marked call, with the site it wrote on entry, while nobody answers', () => {
    const thread = fakeThread({ answers: false });
    thread.idle(100);
    enterCall(thread.shared, 'pbkdf2Sync', [HANDLER]);
    thread.block(600);
    expect(thread.opened[0]).toMatchObject({ kind: 'sync-crypto', location: { line: 12 } });
    expect(thread.live[0]).toMatchObject({ kind: 'sync-crypto', call: 'crypto.pbkdf2Sync', location: { line: 12 } });
  });

  test('is loading modules, where marked calls of the loader took the time', () => {
    for (const hasSite of [true, false]) {
      const thread = fakeThread({ answers: false });
      thread.idle(100);
      const { count } = thread.histogram;
      const loader: RawFrame[] = [['require', 'node:internal/modules/helpers', 1, 1], HANDLER];
      enterCall(thread.shared, 'readFileSync', hasSite ? loader : null);
      thread.block(600);
      leaveCall(thread.shared);
      thread.stack(...loader);
      thread.answer(count);
      thread.idle(100);
      expect(thread.closed[0]).toMatchObject({ kind: 'module-load' });
    }
  });

  test('is the call of a native add-on, as sure as one of Node, where its site is known', () => {
    const thread = fakeThread({ answers: false });
    thread.marks.learn([['hasher.node', 'hashSync']]);
    thread.idle(100);
    enterCall(thread.shared, 'none', [HANDLER]);
    thread.shared.control[Word.SyncCall] = SYNC_CALLS.length + 1;
    thread.block(600);
    leaveCall(thread.shared);
    thread.idle(100);
    expect(thread.closed[0]).toMatchObject({
      kind: 'native-addon',
      location: { line: 12 },
      confidence: CONFIDENCE.marked,
    });
    expect(thread.closed[0]!.stacks[0]).toMatchObject({ marked: true });
    expect(thread.closed[0]!.stacks[0]).not.toHaveProperty('late');
  });

  test('without a site, is the kind of the marked call and the place of the late answer, less sure', () => {
    const thread = fakeThread({ answers: false });
    thread.idle(100);
    const { count } = thread.histogram;
    enterCall(thread.shared, 'readFileSync', null);
    thread.block(600);
    expect(thread.live[0]).toMatchObject({ location: null, call: 'fs.readFileSync' });
    leaveCall(thread.shared);
    thread.answer(count);
    thread.idle(100);
    expect(thread.closed[0]).toMatchObject({ kind: 'sync-fs', location: { line: 12 }, confidence: CONFIDENCE.divided });
  });

  test('without a site, is not what came next: a line of log after a marked call', () => {
    const thread = fakeThread({ answers: false });
    thread.idle(100);
    const { count } = thread.histogram;
    enterCall(thread.shared, 'readFileSync', null);
    thread.block(600);
    leaveCall(thread.shared);
    thread.stack(['log', 'node:internal/console/constructor', 410, 6], HANDLER);
    thread.answer(count, 1);
    thread.idle(100);
    expect(thread.closed[0]).toMatchObject({ kind: 'sync-fs', location: { line: 12 }, confidence: CONFIDENCE.divided });
    expect(thread.closed[0]!.stacks[0]!.frames.map((frame) => frame.function)).toEqual(['fs.readFileSync', 'handler']);
  });

  test.each([
    ['with a core', { cpu: 1 }],
    ['with a fifth of a core', { cpu: 0.2, queue: 0.8 }],
  ])('is a native call, by one stack, where the thread ran %s and did not answer', (_what, share) => {
    const thread = fakeThread({ answers: false });
    thread.idle(100);
    const { count } = thread.histogram;
    thread.block(900, share);
    thread.stack(['log', 'node:internal/console/constructor', 410, 6], HANDLER);
    thread.answer(count, 1);
    thread.idle(100);
    const { stacks } = thread.closed[0]!;
    expect(stacks).toMatchObject([{ kind: 'js-cpu', late: true, location: { line: 12 } }]);
    expect(stacks[0]!.frames.map((frame) => frame.function)).toEqual(['(native call)', 'handler']);
    expect(stacks[0]!.count ?? 1).toBe(1);
    expect(thread.closed[0]!.confidence).toBeLessThanOrEqual(CONFIDENCE.late);
  });

  test('is not an answer that came in a later turn of the loop', () => {
    const thread = fakeThread({ answers: false });
    thread.idle(100);
    thread.block(300);
    thread.idle(10);
    thread.answer(thread.histogram.count);
    thread.idle(100);
    expect(thread.closed[0]).toMatchObject({ location: null, confidence: CONFIDENCE.unseen });
  });

  test('is the collector where it took half of the time', () => {
    const thread = fakeThread();
    thread.idle(100);
    thread.block(400);
    thread.shared.numbers[Sum.GcMs]! += 300;
    thread.idle(100);
    expect(thread.closed[0]).toMatchObject({ kind: 'gc', gcMs: 300 });
  });

  test('is the host where the thread had no core', () => {
    const thread = fakeThread();
    thread.idle(100);
    thread.block(400, { cpu: 0.1, queue: 0.9 });
    thread.idle(100);
    expect(thread.closed[0]).toMatchObject({ kind: 'host', runQueueMs: expect.closeTo(360, 0) });
  });

  test('is the host where hardly any of it was run, whatever the rest went to', () => {
    const thread = fakeThread();
    thread.idle(100);
    thread.block(800, { cpu: 0.03, queue: 0.1 });
    thread.idle(100);
    expect(thread.closed[0]).toMatchObject({ kind: 'host', cpuMs: expect.closeTo(24, 0) });
    expect(thread.opened.map(({ kind, location }) => [kind, location])).toContainEqual(['host', null]);
    expect(thread.live).toEqual([]);
  });

  test('is told again when it turns out to be the code’s after all', () => {
    const thread = fakeThread();
    thread.idle(100);
    thread.block(250, { cpu: 0.05, queue: 0.9 });
    thread.block(130, { cpu: 1 });
    expect(thread.opened.map(({ kind }) => kind)).toEqual(['host', 'host', 'js-cpu']);
    expect(thread.opened.at(-1)).toMatchObject({ location: { line: 12 } });
  });

  test('is the code beside a busy host, where it computed for long enough', () => {
    const thread = fakeThread();
    thread.idle(100);
    thread.block(1000, { cpu: 0.3, queue: 0.7 });
    thread.idle(100);
    expect(thread.closed[0]).toMatchObject({ kind: 'js-cpu', cpuMs: expect.closeTo(300, 0), location: { line: 12 } });
  });

  test('is a call that waits, seen by the state of the thread, and not one that waited for a disk', () => {
    const kindOf = (state: TaskState) => {
      const thread = fakeThread({ answers: false });
      thread.idle(100);
      enterCall(thread.shared, 'writeSync', [HANDLER]);
      thread.block(600, { cpu: 0.01, state });
      leaveCall(thread.shared);
      thread.idle(100);
      return thread.closed[0]!;
    };
    expect(kindOf('sleeps')).toMatchObject({ kind: 'sync-fs', sleptMs: expect.closeTo(600, -2), diskMs: 0 });
    expect(kindOf('uninterruptible')).toMatchObject({ kind: 'host', sleptMs: 0, diskMs: expect.closeTo(600, -2) });
  });

  test('is asked for beside a debugger, as long as the thread runs', () => {
    const thread = fakeThread();
    thread.idle(100);
    thread.shared.control[Word.Debugger] = 1;
    thread.block(400, { cpu: 0.9, queue: 0.1 });
    const asked = thread.seen.asked;
    thread.block(2000, { cpu: 0, state: 'sleeps' });
    thread.idle(100);
    expect(asked).toBeGreaterThan(0);
    expect(thread.seen.asked).toBeLessThan(asked + 10);
    expect(thread.closed[0]).toMatchObject({ debugger: true, cpuMs: expect.closeTo(360, 0), location: { line: 12 } });
  });

  test('is not asked for while the main thread waits for another one: a debugger may hold it', () => {
    const thread = fakeThread();
    thread.idle(100);
    thread.block(2000, { cpu: 0, state: 'locked' });
    thread.idle(100);
    expect(thread.seen.asked).toBe(0);
    expect(thread.closed).toMatchObject([{ kind: 'host', location: null, lockedMs: expect.closeTo(2000, -2) }]);
    // The same where a stack was asked for before, and came when it was over.
    const late = fakeThread({ answers: false });
    late.idle(100);
    late.block(100, { cpu: 1, state: 'runs' });
    late.block(2000, { cpu: 0, state: 'locked' });
    late.answer(late.histogram.count);
    late.idle(100);
    expect(late.closed).toMatchObject([{ kind: 'host' }]);
    thread.block(400, { state: 'runs' });
    thread.idle(100);
    expect(thread.closed[1]).toMatchObject({ kind: 'js-cpu', location: { line: 12 } });
  });

  test('is not asked for where evdiag itself has the thread work', () => {
    const thread = fakeThread();
    thread.idle(100);
    thread.shared.control[Word.Debugger] = OWN_WORK;
    thread.block(400);
    thread.idle(100);
    expect([thread.seen.asked, thread.opened]).toEqual([0, []]);
    expect(thread.closed[0]).toMatchObject({ debugger: true, own: true });
  });

  test('is a start as long as nothing is served, also where the program itself asks for the modules', () => {
    const load = ['load', '/no/app.js', 12, 1] satisfies RawFrame;
    const require = ['require', 'node:internal/modules/helpers', 1, 1] satisfies RawFrame;
    const startupOf = (hasServed: boolean) => {
      const thread = fakeThread({ hasServed });
      thread.stack(['', '/no/part.js', 3, 1], require, load);
      thread.idle(20_000);
      thread.block(400);
      thread.idle(100);
      return thread.closed[0];
    };
    expect(startupOf(false)).toMatchObject({ kind: 'module-load', startup: true });
    expect(startupOf(true)).toMatchObject({ kind: 'module-load', startup: false });
  });

  test('is none where a worker waits for its next job, and is where something waits for the worker', () => {
    const rowsOf = (waiting: number, ...sleeps: number[]) => {
      const thread = fakeThread({ isWorker: true, waiting });
      thread.idle(100);
      thread.block(sleeps[0]!);
      thread.stack(['Atomics.wait', null, 0, 0], HANDLER);
      for (const ms of sleeps.slice(1)) thread.block(ms, { cpu: 0, state: 'sleeps' });
      thread.idle(100);
      return [...thread.opened, ...thread.closed].map(({ kind }) => kind);
    };
    expect(rowsOf(0, 0, 60_000)).toEqual([]);
    expect(new Set(rowsOf(2, 0, 600))).toEqual(new Set(['sync-sleep']));
    // What was told of while it worked is told to wait.
    expect(rowsOf(0, 300, 60_000).at(-1)).toBe('sync-sleep');
  });

  test('is not asked for while a debugger may hold the thread, and nothing is told', () => {
    const thread = fakeThread();
    thread.idle(100);
    thread.shared.control[Word.Debugger] = 1;
    thread.block(2000, { cpu: 0 });
    thread.idle(100);
    expect([thread.seen.asked, thread.opened, thread.live]).toEqual([0, [], []]);
    expect(thread.closed[0]).toMatchObject({ debugger: true });
  });
});

function enterCall(
  { control, site }: ReturnType<typeof createSharedMemory>,
  name: string,
  frames: RawFrame[] | null,
): void {
  control[Word.SyncSequence]!++;
  control[Word.SyncCall] = SYNC_CALLS.findIndex((call) => call.name === name) + 1;
  if (!frames) return;
  const text = JSON.stringify(frames);
  for (let i = 0; i < text.length; i++) site[i] = text.charCodeAt(i);
  control[Word.SiteLength] = text.length;
  control[Word.SiteSequence] = control[Word.SyncSequence]!;
}

function leaveCall({ control }: ReturnType<typeof createSharedMemory>): void {
  control[Word.SyncCall] = 0;
}
