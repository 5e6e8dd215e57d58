import { describe, expect, it } from 'vitest';
import { rowsOf } from '../../src/recording/types.ts';
import { AGENT_CJS, complaints, inLab, OWN_ROWS, recordingOf, WORK } from '../support/run-agent.ts';

const CHANNEL = `
const { BroadcastChannel, Worker } = require('node:worker_threads');
const channel = new BroadcastChannel('evdiag.agent');
channel.unref();
`;

it(
  'the level is raised and lowered at run time, for all threads',
  inLab(async (lab) => {
    const text = `${OWN_ROWS}${CHANNEL}
const worker = new Worker('setInterval(() => {}, 100)', { eval: true });
const levels = () => rows('level').map(({ level }) => level).join();
(async () => {
  await until(() => rows('threads').length > 0);
  for (const level of ['diagnose', 'diagnose', 'watch']) channel.postMessage({ type: 'level', level });
  await until(() => levels() === 'diagnose,watch');
  channel.postMessage({ type: 'level', level: 'diagnose' });
  await until(() => rows('deep-sample').length > 0);
  await until(() => rows('memory').at(-1).t > 2500);
  worker.terminate();
})();
`;
    const run = await lab.expectSame(lab.file('app.js', text));
    expect(complaints(run)).toEqual([]);
    for (const threadId of [0, 2]) {
      const recording = recordingOf(lab, threadId);
      expect(recording.header.level).toBe('watch');
      expect(rowsOf(recording, 'level').map(({ level }) => level)).toEqual(['diagnose', 'watch', 'diagnose']);
    }
    expect(rowsOf(recordingOf(lab, 0), 'deep-sample')[0]?.reasons).toContain('routine');
  }),
);

/** Calls of Error.captureStackTrace below a wrapper are counted: each is a call site that was taken. */
const COUNTER = `
const { captureStackTrace } = Error;
globalThis.sites = 0;
Error.captureStackTrace = (...args) => {
  if (args[1]?.name === 'readFileSync') globalThis.sites++;
  return captureStackTrace(...args);
};
`;
/** Reads files for a while, and says how many call sites were taken. The loop turns: in a stall more are asked for. */
const READ = `
const { readFileSync } = require('node:fs');
const perSecond = async () => {
  // The first second takes up what has been saved.
  const end = performance.now() + 2000;
  let from = 0;
  while (performance.now() < end) {
    for (let i = 0; i < 50; i++) readFileSync(__filename);
    await new Promise(setImmediate);
    if (!from && performance.now() > end - 1000) from = globalThis.sites;
  }
  return globalThis.sites - from;
};
`;

describe.concurrent('more call sites are taken at level diagnose', () => {
  it(
    'once it is raised, in the main thread',
    inLab(async (lab) => {
      const spy = lab.file('spy.js', COUNTER);
      const text = `${OWN_ROWS}${CHANNEL}${READ}
(async () => {
  await until(() => rows('memory').length > 0);
  const before = await perSecond();
  channel.postMessage({ type: 'level', level: 'diagnose' });
  await until(() => rows('level').length > 0);
  console.log(JSON.stringify([before, await perSecond()]));
})();
`;
      const run = await lab.run(lab.file('app.js', text), { node: ['-r', spy, '-r', AGENT_CJS] });
      const [before, after] = JSON.parse(run.stdout) as [number, number];
      expect(before).toBeGreaterThan(0);
      expect(after / before, run.stdout).toBeGreaterThan(2);
    }),
  );

  it(
    'in a worker that is started later',
    inLab(async (lab) => {
      const spy = lab.file('spy.js', COUNTER);
      lab.file(
        'worker.js',
        `${READ} setTimeout(async () => require('node:worker_threads').parentPort.postMessage(await perSecond()), 300);`,
      );
      const text = `${OWN_ROWS}${CHANNEL}
const measure = () => new Promise((resolve) => new Worker(__dirname + '/worker.js').on('message', resolve));
(async () => {
  await until(() => rows('memory').length > 0);
  const before = await measure();
  channel.postMessage({ type: 'level', level: 'diagnose' });
  await until(() => rows('level').length > 0);
  console.log(JSON.stringify([before, await measure()]));
})();
`;
      const run = await lab.run(lab.file('app.js', text), { node: ['-r', spy, '-r', AGENT_CJS] });
      const [before, after] = JSON.parse(run.stdout) as [number, number];
      expect(before).toBeGreaterThan(0);
      expect(after / before, run.stdout).toBeGreaterThan(2);
    }),
  );
});

it(
  'nonsense on the channel harms neither the watchdog nor the program',
  inLab(async (lab) => {
    const text = `${OWN_ROWS}${CHANNEL}${WORK}
const memory = (bytes) => new SharedArrayBuffer(bytes);
const shared = { control: new Int32Array(memory(64)), numbers: new Float64Array(memory(32)), site: new Uint16Array(memory(8192)) };
const beats = { counts: new Int32Array(memory(1028)), times: new Float64Array(memory(16)) };
const times = { startMonotonicMs: Number(process.hrtime.bigint()) / 1e6, startedAtMs: Date.now() };
const whole = { threadId: 90, nativeId: null, shared, beats, ...times };
const rows_ = [{ type: 'memory' }];
const values = [undefined, null, 0, -1, NaN, 2 ** 40, '', 'text', true, [], {}, [null], { length: 1e9 }, new Date(NaN), new Map([[1, 1]]), 10n];
const messages = [
  ...values,
  ...values.map((type) => ({ type })),
  ...values.map((level) => ({ type: 'level', level })),
  ...values.map((threadId) => ({ type: 'thread-gone', threadId })),
  ...values.flatMap((value) => [
    { type: 'sample', threadId: value, sample: { rows: rows_, mainThreadMs: 1 } },
    { type: 'sample', threadId: 0, sample: value },
    { type: 'sample', threadId: 0, sample: { rows: value, mainThreadMs: 1 } },
    { type: 'sample', threadId: 0, sample: { rows: [value], mainThreadMs: 1 } },
    { type: 'sample', threadId: 0, sample: { rows: [], mainThreadMs: value } },
    { type: 'sample', threadId: 0, sample: { rows: [{ type: value }], mainThreadMs: 0 } },
    { type: 'thread', thread: value },
  ]),
  ...['active-resources', 'gc', 'event-loop-delay', 'event-loop-utilization', 'loop-turns', 'deep-sample', 'stall', 'end'].map(
    (type) => ({ type: 'sample', threadId: 0, sample: { rows: [{ type }], mainThreadMs: 0 } })),
  // Every field wrong by turns, at a number of its own.
  ...Object.keys(whole).flatMap((key) => values.map((value, i) => ({ type: 'thread', thread: { ...whole, threadId: 100 + i, [key]: value } }))),
  ...['control', 'numbers', 'site'].flatMap((key) =>
    values.concat([new Int32Array(0), new Float64Array(0), new Uint16Array(0), new Int32Array(memory(4))])
      .map((value, i) => ({ type: 'thread', thread: { ...whole, threadId: 200 + i, shared: { ...shared, [key]: value } } }))),
  ...['counts', 'times'].flatMap((key) =>
    values.concat([new Int32Array(0), new Float64Array(0)])
      .map((value, i) => ({ type: 'thread', thread: { ...whole, threadId: 300 + i, beats: { ...beats, [key]: value } } }))),
  { type: 'thread', thread: { ...whole, threadId: 0 } },
  { type: 'thread', thread: { ...whole, threadId: -1 } },
  { type: 'thread', thread: { ...whole, threadId: '../../../../tmp/x' } },
  { type: 'thread', thread: { ...whole, nativeId: '../../../etc/passwd' } },
  { type: 'sample', threadId: 0, sample: { rows: Array.from({ length: 1e5 }, () => ({ type: 'x'.repeat(50) })), mainThreadMs: 1 } },
  'x'.repeat(1e7),
];
(async () => {
  await until(() => rows('memory').length > 0);
  for (const message of messages) channel.postMessage(message);
  const last = 'EVDIAG_FAMILY' in process.env ? rows('memory').length : 0;
  await until(() => rows('memory').length > last + 2);
  work();
  setTimeout(() => console.log('done'), 200);
})();
`;
    const run = await lab.expectSame(lab.file('app.js', text));
    expect(run.stdout).toBe('done\n');
    expect(complaints(run)).toEqual([]);
    const recording = recordingOf(lab, 0);
    expect(rowsOf(recording, 'stall').map(({ kind }) => kind)).toContain('js-cpu');
    expect(recording.rows.at(-1)).toMatchObject({ type: 'end', reason: 'exit' });
    expect((await lab.report()).rules.filter(({ outcome }) => outcome === 'error')).toEqual([]);
  }),
);
