import { describe, expect, it } from 'vitest';
import { rowsOf } from '../../src/recording/types.ts';
import {
  AGENT_CJS,
  filesUnder,
  inLab,
  type Lab,
  lineOf,
  recordingOf,
  SPIN,
  saidBesidesSummary,
  stallPlaces,
  WORK,
} from '../support/run-agent.ts';

/** The watchdog is thread 1. */
const FIRST = 2;

/** JavaScript that defines `start(file, options)`: a worker whose words, failure and end are printed. */
const HOST = `
const { Worker } = require('node:worker_threads');
function start(file, options, name = 'worker') {
  const worker = new Worker(file, options);
  worker.on('message', (message) => console.log(name, 'says', message));
  worker.on('error', (error) => console.log(name, 'failed:', error.code ?? error.message));
  worker.on('exit', (code) => console.log(name, 'ended', code));
  return worker;
}
`;

/** A worker that serves, blocks for a while once all is up, and ends. */
const server = (block: string, before = ''): string => `
const { parentPort } = require('node:worker_threads');
const { execSync } = require('node:child_process');
${before}
function handler(next) {
  ${block}
  setTimeout(next, 250);
}
const server = require('node:net').createServer().listen(0, () => setTimeout(handler, 500, () => {
  parentPort.postMessage('done');
  server.close();
}));
`;

const BLOCKS = [
  { kind: 'js-cpu', text: server('work();', WORK), name: 'work', mark: '// works' },
  { kind: 'sync-child-process', text: server("execSync('sleep 0.4'); // guilty"), name: 'handler' },
  {
    kind: 'sync-sleep',
    text: server('Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 400); // guilty'),
    name: 'handler',
  },
  {
    kind: 'json',
    text: server(
      'for (let i = 0; i < 4; i++) JSON.parse(text); // guilty',
      // Small numbers: of many objects, most of the time is the collector's on some machines, and the stall is too.
      'const text = JSON.stringify(Array.from({ length: 8e6 }, (_, i) => i % 1000));',
    ),
    name: 'handler',
  },
];

describe('a worker that serves is named with kind, function and line when it blocks', () => {
  it.for(BLOCKS)('$kind', async ({ kind, text, name, mark = '// guilty' }) => {
    await inLab(async (lab) => {
      const file = lab.file('worker.js', text);
      const run = await lab.expectSame(lab.file('app.js', `${HOST} start(__dirname + '/worker.js');`));
      expect(run.stdout).toBe('worker says done\nworker ended 0\n');
      const recording = recordingOf(lab, FIRST);
      const line = lineOf(text, mark);
      const stalls = rowsOf(recording, 'stall').filter((row) => row.kind === kind && row.location?.line === line);
      // On a busy machine the preparation may be a stall, too.
      const stall = stalls.sort((a, b) => b.durationMs - a.durationMs)[0];
      expect(stall?.location).toMatchObject({ file, function: name });
      expect(stall?.waiting).toBeGreaterThan(0);
      expect(recording.rows.at(-1)).toMatchObject({ type: 'end', reason: 'exit' });
      expect(
        filesUnder(lab.out).filter((path) => path.endsWith(`worker-${recording.header.pid}-${FIRST}`)),
      ).toHaveLength(1);
      const { findings } = await lab.report();
      const finding = findings.find((each) => each.kind === kind && each.location?.file === file);
      expect(finding?.severity).toMatch(/warning|critical/);
    })();
  });
});

const TIMERS = `
const { parentPort } = require('node:worker_threads');
${WORK}
const timers = [setInterval(() => {}, 100), setInterval(() => {}, 100)];
parentPort.once('message', () => {
  work();
  setTimeout(() => {
    parentPort.postMessage('done');
    timers.forEach(clearInterval);
  }, 150);
});
`;

/** JavaScript that defines `whenWatched(threadId, go)`: once that thread has rows of its own; at once where the agent is not loaded. */
const WHEN_WATCHED = `
const { existsSync, readFileSync } = require('node:fs');
function whenWatched(threadId, go) {
  const { EVDIAG_FAMILY: family } = process.env;
  const file = family + '/worker-' + process.pid + '-' + threadId + '/recording.ndjson';
  const hasRows = () => existsSync(file) && readFileSync(file, 'utf8').split('\\n').length > 2;
  const look = () => void (family === undefined || hasRows() ? go() : setTimeout(look, 50));
  look();
}
`;

/** Ways to start a worker that blocks; `worker.js` and `worker.mjs` are beside the program. */
const STARTS = [
  { what: 'by a worker', app: "start(__dirname + '/middle.js');", thread: FIRST + 1 },
  { what: 'from text', app: "start(require('fs').readFileSync(__dirname + '/worker.js', 'utf8'), { eval: true });" },
  { what: 'as an ES module', app: "start(__dirname + '/worker.mjs');" },
  {
    what: 'with limits',
    app: "start(__dirname + '/worker.js', { resourceLimits: { maxOldGenerationSizeMb: 64, stackSizeMb: 2 } });",
  },
  { what: 'with an environment of its own', app: "start(__dirname + '/worker.js', { env: {} });" },
  { what: 'with streams of its own', app: "start(__dirname + '/worker.js', { stdout: true, stderr: true });" },
];

describe('a worker is observed when it is started', () => {
  it.for(STARTS)('$what', async ({ app, thread = FIRST }) => {
    await inLab(async (lab) => {
      lab.file('worker.js', TIMERS);
      lab.file('worker.mjs', TIMERS.replace(/const (.*) = require\((.*)\);/, 'import $1 from $2;'));
      lab.file(
        'middle.js',
        `const { parentPort, Worker } = require('node:worker_threads');
const worker = new Worker(__dirname + '/worker.js').on('message', (message) => parentPort.postMessage(message));
parentPort.once('message', (message) => worker.postMessage(message));`,
      );
      const go = `whenWatched(${thread}, () => worker.postMessage('go'));`;
      const run = await lab.expectSame(lab.file('app.js', `${HOST}${WHEN_WATCHED}const worker = ${app} ${go}`));
      expect(run.stdout).toContain('worker says done\nworker ended 0\n');
      const places = stallPlaces(recordingOf(lab, thread), lab.folder).map((place) => place.replace(/ .*[./]/, ' '));
      const line = lineOf(TIMERS, '// works');
      expect(places.map((place) => place.replace(/ .*:/, ' '))).toContain(`js-cpu ${line}`);
    })();
  });

  it(
    'but not without the preload: execArgv is empty',
    inLab(async (lab) => {
      lab.file('worker.js', TIMERS);
      const app = lab.file('app.js', `${HOST} start(__dirname + '/worker.js', { execArgv: [] }).postMessage('go');`);
      expect((await lab.expectSame(app)).stdout).toBe('worker says done\nworker ended 0\n');
      expect(lab.recording().header.threadId).toBe(0);
    }),
  );
});

it(
  'main thread and worker that block at the same time are both named',
  inLab(async (lab) => {
    const main = `${HOST}
const worker = start(__dirname + '/worker.js');
${WORK}
setTimeout(() => {
  worker.postMessage('go');
  setTimeout(work, 100, 2e8);
}, 500);
`;
    const other = `
const { parentPort } = require('node:worker_threads');
${WORK}
const timers = [setInterval(() => {}, 100), setInterval(() => {}, 100)];
parentPort.once('message', () => setTimeout(() => {
  work(2e8);
  setTimeout(() => timers.forEach(clearInterval), 150);
}, 150));
`;
    lab.file('worker.js', other);
    await lab.expectSame(lab.file('app.js', main));
    expect(placesOf(lab, 0)).toContain(`app.js:${lineOf(main, '// works')}`);
    expect(placesOf(lab, FIRST)).toContain(`worker.js:${lineOf(other, '// works')}`);
    const { processes, findings } = await lab.report();
    expect(processes?.map(({ threadId }) => threadId)).toEqual([0, FIRST]);
    const named = findings.filter(({ kind }) => kind === 'js-cpu').map(({ location }) => location?.file);
    expect(named).toEqual(expect.arrayContaining([`${lab.folder}/app.js`, `${lab.folder}/worker.js`]));
  }),
);

/** Without the kinds: two threads that compute on a busy machine may both lack a core. */
function placesOf(lab: Lab, threadId: number): string[] {
  return stallPlaces(recordingOf(lab, threadId), lab.folder).map((place) => place.replace(/^\S+ /, ''));
}

describe('workers end as without', () => {
  const ENDINGS = {
    'by itself': 'setTimeout(() => {}, 200);',
    'by an exception': "setTimeout(() => { throw new RangeError('no good'); }, 200);",
    'by a rejection': "setTimeout(() => { Promise.reject(new Error('nobody cares')); }, 200);",
    'by process.exit': 'setTimeout(() => process.exit(7), 200);',
    'with an exit listener': "process.on('exit', (code) => { process.exitCode = code + 3; });",
    'terminated while idle': "setInterval(() => {}, 1e6); setTimeout(() => parentPort.postMessage('end me'), 200);",
    'terminated while blocked': "setTimeout(() => { parentPort.postMessage('end me'); for (;;); }, 200);",
  };
  const count = Object.keys(ENDINGS).length;

  it(
    Object.keys(ENDINGS).join(', '),
    inLab(async (lab) => {
      // Each blocks first, so that it has a recording.
      const text = Object.entries(ENDINGS).map(([ending, end]) => [
        ending,
        `const { parentPort } = require('node:worker_threads');\n${SPIN}\nsetTimeout(() => { spin(400); ${end} }, 1000);`,
      ]);
      const app = `
const { Worker } = require('node:worker_threads');
const happened = [];
function start([name, text]) {
  const worker = new Worker(text, { eval: true });
  worker.on('message', () => setTimeout(() => worker.terminate(), 300));
  worker.on('error', (error) => happened.push(name + ': ' + (error.code ?? error.message)));
  worker.on('exit', (code) => happened.push(name + ': ' + code));
}
// One after the other, as two that compute at once may lack a core.
${JSON.stringify(text)}.forEach((each, i) => setTimeout(start, 300 * i, each));
process.on('exit', () => console.log(happened.sort().join('\\n')));
`;
      const run = await lab.expectSame(lab.file('app.js', app));
      expect(run.stdout).toContain('by an exception: no good\n');
      expect(run.exitCode).toBe(0);
      expect(saidBesidesSummary(run).filter((line) => !line.startsWith('event loop of worker'))).toEqual([]);
      const workers = lab.recordings().filter(({ header }) => header.threadId > 0);
      expect(workers).toHaveLength(count);
      for (const { rows } of workers) {
        expect(rows.at(-1)).toMatchObject({ type: 'end', reason: 'exit' });
        expect(rows.map(({ type }) => type)).toContain('stall');
      }
      const last = rowsOf(recordingOf(lab, 0), 'threads').at(-1);
      expect(last).toMatchObject({ started: count, ended: count, alive: 0, unobserved: 0 });
    }),
  );

  it(
    'when the main thread ends while workers compute and wait',
    inLab(async (lab) => {
      lab.file('idle.js', 'setInterval(() => {}, 1e6);');
      lab.file('busy.js', 'setTimeout(() => { for (;;); }, 500);');
      const app = `${HOST}
for (const name of ['idle', 'busy']) start(__dirname + '/' + name + '.js').removeAllListeners('exit');
setTimeout(() => { console.log('done'); process.exit(4); }, 1500);
`;
      const run = await lab.expectSame(lab.file('app.js', app));
      expect(run).toMatchObject({ stdout: 'done\n', exitCode: 4 });
      const busy = recordingOf(lab, FIRST + 1);
      expect(busy.rows.at(-1)).toMatchObject({ type: 'end' });
      expect(rowsOf(busy, 'stall').map(({ location }) => location?.file)).toContain(`${lab.folder}/busy.js`);
      expect(recordingOf(lab, 0).rows.at(-1)).toMatchObject({ type: 'end', exitCode: 4 });
    }),
  );
});

it(
  '300 short-lived workers leave no folder, no descriptor and no memory behind',
  inLab(async (lab) => {
    const spy = lab.file(
      'spy.js',
      `if (require('node:worker_threads').isMainThread) {
  process.once('worker', (worker) => { globalThis.watchdog = worker; });
}`,
    );
    lab.file('worker.js', "require('node:worker_threads').parentPort?.postMessage(1);");
    const app = `
const { readdirSync } = require('node:fs');
const { Worker } = require('node:worker_threads');
const WAVES = 6;
const PER_WAVE = 50;
const one = (i) => new Promise((resolve, reject) => {
  const worker = new Worker(__dirname + '/worker.js');
  worker.on('error', reject);
  worker.on('exit', resolve);
  if (i % 5 === 0) setTimeout(() => worker.terminate(), i);
});
async function wave() {
  let left = PER_WAVE;
  const lane = async () => { while (left > 0) await one(left--); };
  await Promise.all([lane(), lane(), lane(), lane()]);
}
const settle = () => new Promise((resolve) => setTimeout(resolve, 300));
/** Of the watchdog's heap, after a collection. */
const objects = async () => {
  let bytes = 0;
  if (process.env.EVDIAG_FAMILY) for await (const part of await globalThis.watchdog.getHeapSnapshot()) bytes += part.length;
  return bytes;
};
// The watchdog answers without keeping the program alive.
const timer = setInterval(() => {}, 1000);
(async () => {
  await wave();
  await settle();
  const before = { descriptors: readdirSync('/proc/self/fd').length, objects: await objects() };
  for (let i = 1; i < WAVES; i++) await wave();
  await settle();
  const after = { descriptors: readdirSync('/proc/self/fd').length, objects: await objects() };
  console.log('more descriptors:', after.descriptors - before.descriptors);
  console.log('memory grows:', after.objects > before.objects * 1.15);
  require('node:fs').writeSync(2, JSON.stringify([before, after]) + '\\n');
  clearInterval(timer);
})();
`;
    const file = lab.file('app.js', app);
    const run = await lab.run(file, { node: ['-r', spy, '-r', AGENT_CJS], env: { EVDIAG_SLOW_MS: '60000' } });
    expect(run.stdout, run.stderr).toBe('more descriptors: 0\nmemory grows: false\n');
    // On a very busy machine a few of them live for seconds.
    expect(lab.recordings().length).toBeLessThan(10);
    expect(rowsOf(recordingOf(lab, 0), 'threads').at(-1)).toMatchObject({ alive: 0, unobserved: 0 });
  }),
);

it(
  'a pool worker that computes with nothing waiting is no alarm and no line',
  inLab(async (lab) => {
    lab.file(
      'worker.js',
      `const { parentPort } = require('node:worker_threads');
${SPIN}
parentPort.on('message', () => { spin(1100); parentPort.postMessage('computed'); });`,
    );
    const app = `${HOST}
const worker = start(__dirname + '/worker.js');
let left = 2;
worker.on('message', () => { if (--left > 0) worker.postMessage('go'); else worker.terminate(); });
setTimeout(() => worker.postMessage('go'), 500);
`;
    const run = await lab.expectSame(lab.file('app.js', app));
    expect(saidBesidesSummary(run)).toEqual([]);
    expect(rowsOf(recordingOf(lab, FIRST), 'stall').length).toBeGreaterThan(0);
    const { findings } = await lab.report();
    expect(findings.filter(({ severity }) => severity !== 'info')).toEqual([]);
  }),
);
