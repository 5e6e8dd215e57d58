// Draws frames of the terminal UI on the terminal that it runs on, and writes what they cost to the file that is named.
import { writeFileSync } from 'node:fs';
import { TreeBuilder } from '../../src/profile/tree-builder.ts';
import type { Recording, Row } from '../../src/recording/types.ts';
import { reduce } from '../../src/tui/state/reduce.ts';
import { screenOf } from '../../src/tui/state/screen.ts';
import { initialState } from '../../src/tui/state/state.ts';
import type { Action, Effect, ShownProfile, State } from '../../src/tui/state/types.ts';
import { createJudge } from '../../src/tui/views/between-frames.ts';
import { painted } from '../../src/tui/views/palette.ts';
import { openTerminal } from '../../src/tui/views/terminal.ts';

const ROUNDS = 40;
const WARM_UP = 20;
const NO_SOURCE = () => [];

const place = (i: number) => ({
  file: `/srv/app/src/part${i % 97}.ts`,
  line: i + 1,
  column: 3,
  function: `handler${i}`,
});

function second(i: number): Row[] {
  const t = 1000 * (i + 1);
  const busy = 0.3 + (i % 7) / 20;
  return [
    {
      ...{ t, type: 'event-loop-delay', count: 100, meanMs: 1, p50Ms: 1, p90Ms: 2, p99Ms: 3 + (i % 9) },
      ...{ maxMs: 5 + (i % 40), heartbeatMaxMs: 5 + (i % 40) },
    },
    { t, type: 'event-loop-utilization', utilization: busy, activeMs: 1000 * busy, idleMs: 1000 - 1000 * busy },
    { t, type: 'cpu', intervalMs: 1000, userMs: 300, systemMs: 20, mainThreadMs: 250, runQueueMs: 3 },
    {
      ...{ t, type: 'memory', rssBytes: 9e7 + i, heapUsedBytes: 5e7 + 1e5 * (i % 50), heapTotalBytes: 8e7 },
      ...{ heapLimitBytes: 4e9, externalBytes: 2e6, arrayBuffersBytes: 1e5 },
      spaces: { old_space: 3e7, new_space: 1e6, code_space: 1e6, large_object_space: 2e6 },
    },
    { t, type: 'gc', count: 4, totalMs: 4, maxMs: 2, majorCount: i % 20 === 0 ? 1 : 0, majorMs: 2, observedMs: 1000 },
    {
      t,
      type: 'active-resources',
      total: 30,
      counts: { TCPSocketWrap: 20, Timeout: 9, TCPServerWrap: 1 },
      waiting: 29,
    },
    { t, type: 'agent-cost', intervalMs: 1000, mainThreadMs: 0.5, watchdogMs: 4, stacks: 0, recordingBytes: 900 },
    { t, type: 'loop-turns', intervalMs: 1000, turns: 800, events: 900 },
  ];
}

function stall(i: number, t: number): Row {
  const location = place(i % PLACES);
  const frames = Array.from({ length: 12 }, (_, depth) => ({
    ...place((i % PLACES) + depth),
    category: 'application' as const,
  }));
  return {
    ...{ t, type: 'stall', id: i, startMs: t - 150, durationMs: 150, kind: 'js-cpu', location, cpuMs: 149 },
    ...{ runQueueMs: 0, gcMs: 0, startup: false, debugger: false, waiting: 3, chain: null, confidence: 0.9 },
    stacks: [{ weightMs: 150, kind: 'js-cpu', frames, location }],
  };
}

function unfinished(t: number, count: number): Row {
  const entry = (i: number) => ({
    ...{ what: i % 2 === 0 ? ('await' as const) : ('handle' as const), type: 'Timeout', detail: '', via: ['timers'] },
    ...{
      location: place(i),
      callers: [place(i + 1), place(i + 2)],
      resumed: false,
      created: 100 + i,
      ended: 50,
      lost: 0,
    },
    ...{ alive: 50 + i, peak: 60 + i, referenced: 50, oldestMs: t, endedMaxMs: 10, endedSinceOldest: 3, floating: 0 },
    ...{ rejected: 0, madeBy: null },
  });
  return {
    ...{ t, type: 'unfinished', intervalMs: 1000, trackedMs: t, promises: 1000, aborts: 0, inbound: 2, dropped: 0 },
    entries: Array.from({ length: count }, (_, i) => entry(i)),
  };
}

const header: Recording['header'] = {
  ...{ t: 0, type: 'header', format: 'evdiag-recording', major: 1, minor: 2, evdiagVersion: '0.1.0' },
  ...{ nodeVersion: 'v24.0.0', v8Version: '13', libuvVersion: '1.50', pid: 100, parentPid: 1, threadId: 0 },
  ...{ argv: ['/usr/bin/node', '/srv/app/server.js'], startedAt: '2026-01-02T03:04:05.000Z', startMonotonicMs: 0 },
  ...{ level: 'diagnose', slowMs: 100, samplers: [], platform: 'linux', arch: 'x64', cpuCount: 2 },
  ...{ containerCpus: null, containerMemoryBytes: null },
} as const;

function recordingOf(rows: Row[]): Recording {
  const durationMs = rows.at(-1)?.t ?? 0;
  return {
    header: { ...header, samplers: [] },
    rows,
    durationMs,
    droppedRows: 0,
    skippedLines: 0,
    truncated: false,
    path: null,
  };
}

/** That many functions, each in its own place of the tree, sampled once a millisecond. */
function profileOf(functions: number): ShownProfile {
  const builder = new TreeBuilder();
  const node = Array.from({ length: functions }, (_, i) => {
    const frames = [i % 7, i % 97, i].map((n, depth) => {
      const { function: name, ...where } = place(depth * 100_000 + n);
      return builder.frame({ ...where, function: name, category: 'application' });
    });
    const at = builder.stack(frames);
    builder.add(at, 1000 + (i % 50));
    return at;
  });
  const samples = {
    node: Uint32Array.from(node),
    atUs: Float64Array.from(node, (_, i) => 1000 * i),
    weight: new Float64Array(functions).fill(1000),
  };
  const spanUs = 1000 * functions;
  const known = { interval: 1000, missedCount: 0, warmCode: true, apart: true };
  const thread = builder.build('main thread', { samples, taken: { spanUs, sampleCount: functions, ...known } });
  return {
    ...{ id: 'bench', name: 'taken', pid: 100, problem: null },
    profile: { title: 'bench', kind: 'cpu', unit: 'us', threads: [thread] },
    threads: [{ threadId: 0, startMonotonicMs: 0, spanMs: spanUs / 1000 }],
  };
}

/** Places at which the loop stalls. */
const PLACES = 200;
/** Entries are the rows of the tables of handles and of suspended calls; functions those of the profile. */
const CASES = [
  { name: '200 rows', seconds: 25, stalls: 200, entries: 200, functions: 200 },
  { name: '10 000 rows', seconds: 1250, stalls: 10_000, entries: 10_000, functions: 50_000 },
] as const;

const terminal = openTerminal({ onKey() {}, onMouse() {}, onResize() {} });
const results: {
  name: string;
  tab: string;
  first: number;
  newRows: number;
  key: number;
  unchanged: number;
  longest: number;
}[] = [];
for (const { name, seconds, stalls, entries, functions } of CASES) {
  for (const [tab, keys] of [
    ['overview', '1'],
    ['stalls', '2'],
    ['async', '4'],
    ['findings', '6'],
    ['profile', '8'],
    ['calls', '8t'],
  ] as const) {
    const rows: Row[] = Array.from({ length: seconds }, (_, i) => second(i)).flat();
    for (let i = 0; i < stalls; i++) rows.push(stall(i, 500 + (i * seconds * 1000) / stalls));
    rows.push(unfinished(1000 * seconds, entries));
    rows.sort((a, b) => a.t - b.t);
    results.push({ name, tab, ...(await measure(rows, seconds, keys, profileOf(functions))) });
  }
}
terminal.close();
writeFileSync(process.argv[2]!, JSON.stringify(results));

async function measure(rows: Row[], seconds: number, keys: string, profile: ShownProfile) {
  let state: State = initialState('live', 'bench', terminal.columns, terminal.rows);
  const judge = createJudge((report, atMs) => act({ type: 'report', report, atMs }));
  const act = (action: Action): void => {
    const next = reduce(state, action, NO_SOURCE);
    state = next.state;
    for (const effect of next.effects as Effect[])
      if (effect.type === 'judge') judge.ask(effect.recordings, effect.atMs, effect.urgent);
    terminal.draw(painted(screenOf(state, NO_SOURCE).lines, { color: true, ascii: false }));
  };
  act({ type: 'recordings', recordings: [recordingOf(rows)] });
  act({ type: 'profiles', profiles: [profile] });
  // What is done once for a tab.
  let first = 0;
  for (const key of keys) first = cpuOf(() => act({ type: 'key', key }));
  const times = { newRows: [] as number[], key: [] as number[], unchanged: [] as number[] };
  let [all, longest] = [rows, 0];
  for (let i = 0; i < WARM_UP + ROUNDS; i++) {
    all = [...all, ...second(seconds + i), stall(i, 1000 * (seconds + i + 1))];
    const recordings = [recordingOf(all)];
    const frame = [
      ['newRows', () => act({ type: 'recordings', recordings })],
      ['key', () => act({ type: 'key', key: i % 2 === 0 ? 'j' : 'k' })],
      ['unchanged', () => act({ type: 'message', text: null })],
    ] as const;
    for (const [what, draw] of frame) {
      const ms = cpuOf(draw);
      if (i >= WARM_UP) times[what].push(ms);
      // What is done between frames must not keep a key waiting.
      const begin = performance.now();
      await new Promise((resolve) => setTimeout(resolve, 2));
      if (i >= WARM_UP) longest = Math.max(longest, performance.now() - begin);
    }
  }
  const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1]!;
  return { first, newRows: median(times.newRows), key: median(times.key), unchanged: median(times.unchanged), longest };
}

function cpuOf(body: () => void): number {
  const before = process.cpuUsage();
  body();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
