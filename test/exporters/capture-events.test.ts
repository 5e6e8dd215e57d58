import { expect, test } from 'vitest';
import { captureTrace } from '../../src/exporters/trace/capture-trace.ts';
import {
  type CapturedThread,
  EVENT_WORDS,
  EventKind,
  KIND_BITS,
  TICKS_PER_US,
} from '../../src/protocol/async-trace.ts';
import type { Frame } from '../../src/recording/types.ts';
import { recordingOf, stall } from '../support/recording.ts';
import { checkTrace } from '../support/trace-format.ts';

const frame = (name: string, line: number, fields: Partial<Frame> = {}): Frame => ({
  function: name,
  file: '/srv/app.js',
  line,
  column: 1,
  category: 'application',
  ...fields,
});
const builtin = (name: string): Frame => frame(name, 0, { file: '', category: 'native' });
const node = (name: string, file = 'node:timers'): Frame => frame(name, 5, { file, category: 'node' });

const TYPES = ['', 'evdiag', '(other)', 'Timeout', 'TCPWRAP', 'TickObject', 'Timeout oldOne'];
const SITES = [
  [node('setTimeout'), frame('arm', 10)],
  [frame('load', 20), frame('main', 30)],
  [frame('load', 21)],
  [builtin('new Promise'), node('wrap', 'node:events'), frame('main', 31)],
  [node('nextTick', 'node:internal/process/task_queues'), node('emit', 'node:events'), frame('main', 32)],
  [builtin('Promise.then'), frame('main', 33)],
];
const { Init, Before, After, Destroy, PromiseInit, PromiseBefore, PromiseAfter, Settled, Collection, Lost, Own } =
  EventKind;

const OF = { pid: 100, argv: ['/usr/bin/node', '/srv/app.js'] };
type Words = [kind: number, type: number, id: number, other: number, site: number, us: number];

function captured(words: Words[], fields: Partial<CapturedThread> = {}): CapturedThread {
  const events = new Int32Array(words.length * EVENT_WORDS);
  words.forEach(([kind, type, id, other, site, us], i) => {
    events.set([kind | (type << KIND_BITS), id, other, site, us * TICKS_PER_US], i * EVENT_WORDS);
  });
  const about = { threadId: 0, startMonotonicMs: 1000, spanMs: 100, types: TYPES, dropped: 0, fullMs: null };
  return { ...about, events, sites: SITES, ...fields };
}

/** "name from–to" of slices and lanes, in ms; "from → to" of flows. */
function drawn(words: Words[], maxEvents = 10_000) {
  const trace = captureTrace(OF, [captured(words)], [], [], maxEvents);
  const flows = checkTrace(trace.events).map(({ from, to }) => `${from.name} → ${to.name}`);
  const span = (name: string, fromUs: number, toUs: number): string => `${name} ${fromUs / 1000}–${toUs / 1000}`;
  const ends = new Map(trace.events.filter(({ ph }) => ph === 'e').map(({ id, ts }) => [id, ts!]));
  const slices = trace.events.filter(({ ph }) => ph === 'X').map(({ name, ts, dur }) => span(name, ts!, ts! + dur!));
  const lanes = trace.events.filter(({ ph }) => ph === 'b');
  return {
    trace,
    slices,
    flows,
    lanes: lanes.map(({ name, ts, id }) => span(name, ts!, ends.get(id)!)),
    ends: lanes.map(({ args }) => args!.end),
  };
}

test('a timer: its lane ends with its run, which lies in the slice that a flow from its start leads to', () => {
  const { slices, lanes, flows } = drawn([
    [Before, 6, 1, 0, 0, 1000],
    [Init, 3, 9, 1, 1, 1500],
    [After, 0, 1, 0, 0, 2000],
    [Before, 0, 9, 0, 0, 12_000],
    [After, 0, 9, 0, 0, 13_000],
    [Destroy, 0, 9, 0, 0, 20_000],
  ]);
  expect(slices).toEqual(['Timeout oldOne 1–2', 'Timeout arm app.js:10 12–13']);
  expect(lanes).toEqual(['Timeout arm app.js:10 1.5–13']);
  expect(flows).toEqual(['Timeout oldOne → Timeout arm app.js:10']);
});

test('an async call is one lane, whatever it awaits; its awaits are slices', () => {
  const { slices, lanes, flows } = drawn([
    [Before, 4, 1, 0, 0, 1000],
    [PromiseInit, 0, 1, 0, 2, 1100],
    [PromiseInit, 0, 2, 0, 4, 1200],
    [PromiseInit, 1, 3, 2, 3, 1300],
    [After, 0, 1, 0, 0, 2000],
    [PromiseBefore, 0, 3, 0, 0, 30_000],
    [Settled, 0, 1, 0, 0, 30_400],
    [PromiseAfter, 0, 3, 0, 0, 30_500],
  ]);
  expect(slices).toEqual(['TCPWRAP 1–2', 'await load app.js:21 30–30.5']);
  expect(lanes).toEqual(['call load app.js:30 1.1–30.4', 'call wrap app.js:31 1.2–100']);
  expect(flows).toEqual(['TCPWRAP → await load app.js:21']);
});

test('what is open at the end says so; what is short, or Node’s own, has no lane', () => {
  const { lanes, ends } = drawn([
    [Init, 4, 1, 0, 1, 1000],
    [Init, 5, 2, 0, 5, 1000],
    [Init, 3, 3, 0, 5, 1000],
    [PromiseInit, 0, 1, 0, 2, 2000],
    [Settled, 0, 1, 0, 0, 2900],
  ]);
  expect(lanes).toEqual(['TCPWRAP arm app.js:10 1–100']);
  expect(ends).toEqual(['it was on its way when the trace ended']);
});

test('where events were lost, slices end before, and lanes do not claim to know', () => {
  const { slices, lanes, ends } = drawn([
    [Init, 4, 1, 0, 1, 1000],
    [Before, 0, 1, 0, 0, 2000],
    [Init, 3, 2, 0, 1, 3000],
    [Before, 0, 2, 0, 0, 4000],
    [Lost, 0, 55, 0, 0, 9000],
    [After, 0, 1, 0, 0, 9500],
    [Init, 4, 3, 0, 1, 10_000],
    [Destroy, 0, 3, 0, 0, 15_000],
  ]);
  expect(slices).toEqual(['TCPWRAP arm app.js:10 2–4']);
  expect(lanes).toEqual(
    ['TCPWRAP arm app.js:10 1–9', 'TCPWRAP arm app.js:10 10–15', 'Timeout arm app.js:10 3–4'].sort(byStart),
  );
  expect(ends.filter((end) => end === 'not known: events were lost')).toHaveLength(1);
});

const byStart = (a: string, b: string): number => Number(/ ([\d.]+)–/.exec(a)![1]) - Number(/ ([\d.]+)–/.exec(b)![1]);

test('the agent’s own callbacks are left out; collections have a track of their own', () => {
  const { slices, trace } = drawn([
    [Before, 1, 7, 0, 0, 1000],
    [After, 0, 7, 0, 0, 2000],
    [Init, 3, 8, 0, 0, 2500],
    [Before, 0, 8, 0, 0, 3000],
    [Own, 0, 8, 0, 0, 3100],
    [After, 0, 8, 0, 0, 4000],
    [Collection, 4, 5000 * TICKS_PER_US, 0, 0, 6000],
  ]);
  expect(slices).toEqual(['major collection 6–11']);
  expect(trace.events.find(({ ph }) => ph === 'X')!.tid).not.toBe(0);
});

test('events of promises that only another hook asked for, and ends without a begin, draw nothing', () => {
  const { slices, lanes } = drawn([
    [Before, 0, 77, 0, 0, 1000],
    [After, 0, 77, 0, 0, 2000],
    [PromiseAfter, 0, 5, 0, 0, 3000],
    [Settled, 0, 5, 0, 0, 3000],
  ]);
  expect({ slices, lanes }).toEqual({ slices: [], lanes: [] });
});

test('where there is no room for all, the longest lanes stay with what started and ended them, and the rest is counted', () => {
  const words: Words[] = [];
  for (let i = 0; i < 2000; i++) {
    const at = i * 40;
    words.push([Before, 6, 1, 0, 0, at], [Init, 3, 10 + i, 1, 1, at + 1], [After, 0, 1, 0, 0, at + 2]);
    // Each a little longer than the one before.
    words.push([Before, 0, 10 + i, 0, 0, at + 5], [After, 0, 10 + i, 0, 0, at + 6 + i / 100]);
  }
  words.push([Before, 6, 1, 0, 0, 90_000], [Init, 3, 9, 1, 1, 90_001], [After, 0, 1, 0, 0, 90_002]);
  words.push([Before, 0, 9, 0, 0, 99_000], [After, 0, 9, 0, 0, 99_001]);
  const all = drawn(words, 100_000);
  const few = drawn(words, 1000);
  expect(all.trace.leftOut).toEqual({ lanes: 0, runs: 0, flows: 0 });
  expect(few.trace.events.length).toBeLessThanOrEqual(1000);
  expect(few.lanes).toEqual(['Timeout arm app.js:10 90.001–99.001']);
  expect(few.flows.length).toBeGreaterThan(0);
  expect(few.trace.leftOut.runs).toBe(all.slices.length - few.slices.length);
  expect(few.trace.leftOut.flows).toBe(all.flows.length - few.flows.length);
});

test('what was recorded at that time stands beside it, earlier findings at its begin', () => {
  const recording = recordingOf([stall({ startMs: 100, durationMs: 50 }), stall({ startMs: 5000, durationMs: 400 })]);
  const { startMonotonicMs, pid } = recording.header;
  const thread = captured([], { startMonotonicMs: startMonotonicMs + 5200, spanMs: 1000 });
  const marker = { pid, threadId: 0, atMs: 1000, name: 'warning: x', args: {} };
  const { events } = captureTrace(OF, [thread], [recording], [marker], 1000);
  checkTrace(events);
  const blocked = events.filter(({ name }) => name.startsWith('blocked'));
  expect(blocked.map(({ ts, dur }) => [ts, dur])).toEqual([[0, 400_000]]);
  expect(events.find(({ cat }) => cat === 'finding')).toMatchObject({ ts: 0, args: { secondsBefore: 4 } });
});

test('names that want to steer a terminal, or are endless, do neither', () => {
  const evil = `\u001b]0;x\u0007${'y'.repeat(1000)}`;
  const thread = captured(
    [
      [Init, 3, 9, 1, 1, 1000],
      [Before, 0, 9, 0, 0, 12_000],
      [After, 0, 9, 0, 0, 13_000],
    ],
    { sites: [[frame(evil, 1, { file: `/srv/${evil}.js` })]], types: ['', '', '', evil] },
  );
  const text = JSON.stringify(captureTrace(OF, [thread], [], [], 1000).events);
  expect(text).not.toContain('\\u001b');
  expect(text).not.toContain('y'.repeat(300));
});
