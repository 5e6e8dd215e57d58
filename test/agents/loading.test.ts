import { readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { AGENT_CJS, AGENT_MJS, inLab, type Lab, ROOT, SPIN, summaryCount } from '../support/run-agent.ts';

const MODULE = `
import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
await setTimeout(300);
console.log(import.meta.url.split('/').at(-1), readFileSync(new URL(import.meta.url), 'utf8').length > 9, process.execArgv.length >= 0);
`;

/** The families in `out`, each with the folders of its processes. */
function families(lab: Lab): string[][] {
  return readdirSync(lab.out).map((family) => readdirSync(join(lab.out, family)).sort());
}

describe('it loads, once,', () => {
  it(
    'into an ES module with --import',
    inLab(async (lab) => {
      const run = await lab.expectSame(lab.file('app.mjs', MODULE), { node: ['--import', AGENT_MJS] });
      expect(run.stdout).toBe('app.mjs true true\n');
      expect(lab.recording().rows.at(-1)).toMatchObject({ type: 'end', exitCode: 0 });
    }),
  );

  it(
    'with -r, --import and NODE_OPTIONS together',
    inLab(async (lab) => {
      const run = await lab.expectSame(lab.file('app.mjs', MODULE), {
        node: ['-r', AGENT_CJS, '--import', AGENT_MJS],
        env: { NODE_OPTIONS: `-r ${AGENT_CJS} --import ${AGENT_MJS}` },
      });
      expect(summaryCount(run)).toBe(1);
      expect(families(lab)).toEqual([[expect.stringMatching(/^main-\d+$/)]]);
    }),
  );

  it(
    'from a path with spaces in NODE_OPTIONS',
    inLab(async (lab) => {
      const agent = lab.file('with some spaces/load.cjs', `require(${JSON.stringify(AGENT_CJS)});`);
      const options = { node: [], env: { NODE_OPTIONS: `--require "${agent}"` } };
      const run = await lab.expectSame(lab.file('my app.js', `setTimeout(() => console.log('done'), 400);`), options);
      expect(summaryCount(run)).toBe(1);
      expect(lab.recording().header.argv.at(-1)).toBe(join(lab.folder, 'my app.js'));
    }),
  );
});

describe('every process of a family has its recording', () => {
  const WORKER = `${SPIN} process.on('message', (text) => { spin(300); process.send(text + ' back'); process.disconnect(); });`;

  it(
    'in a cluster of two',
    inLab(async (lab) => {
      const text = `
const cluster = require('node:cluster');
if (cluster.isPrimary) {
  const lines = [];
  let left = 2;
  for (let i = 0; i < 2; i++) {
    const worker = cluster.fork();
    worker.on('message', (text) => lines.push(text));
    worker.on('exit', (code, signal) => {
      lines.push('exit ' + code + ' ' + signal);
      if (--left === 0) console.log(lines.sort().join());
    });
    worker.on('online', () => setTimeout(() => worker.send('there and'), 500));
  }
} else {
  ${WORKER}
}
`;
      const run = await lab.expectSame(lab.file('app.js', text));
      expect(run.stdout).toBe('exit 0 null,exit 0 null,there and back,there and back\n');
      expect(families(lab)).toHaveLength(1);
      const recordings = lab.recordings();
      expect(recordings).toHaveLength(3);
      const [root, ...workers] = recordings;
      expect(workers.map(({ header }) => header.parentPid)).toEqual([root!.header.pid, root!.header.pid]);
      for (const { rows } of recordings) expect(rows.at(-1)).toMatchObject({ type: 'end', exitCode: 0 });
      for (const { rows } of workers) expect(rows.map(({ type }) => type)).toContain('stall');
    }),
  );

  it(
    'with child_process.fork',
    inLab(async (lab) => {
      lab.file('worker.js', WORKER);
      const text = `
const child = require('node:child_process').fork(require('node:path').join(__dirname, 'worker.js'));
child.on('message', (text) => console.log(text)).on('exit', (code, signal) => console.log('exit', code, signal));
setTimeout(() => child.send('there and'), 500);
`;
      const run = await lab.expectSame(lab.file('app.js', text));
      expect(run.stdout).toBe('there and back\nexit 0 null\n');
      expect(families(lab)).toHaveLength(1);
      expect(lab.recordings()).toHaveLength(2);
    }),
  );

  it(
    'with NODE_OPTIONS and a synchronous child',
    inLab(async (lab) => {
      lab.file('child.js', `setTimeout(() => { console.log('from below'); process.exitCode = 7; }, 300);`);
      const text = `
const { spawnSync } = require('node:child_process');
setTimeout(() => {
  const { status, stdout } = spawnSync(process.execPath, ['child.js'], { encoding: 'utf8' });
  console.log(status, stdout.trim());
}, 200);
`;
      const app = lab.file('app.js', text);
      const run = await lab.expectSame(app, { node: [], env: { NODE_OPTIONS: `-r ${AGENT_CJS}` } });
      expect(run.stdout).toBe('7 from below\n');
      expect(lab.recordings()).toHaveLength(2);
    }),
  );
});

it(
  'threads of the program run as without the agent; the main thread is recorded, and each that stalls',
  inLab(async (lab) => {
    const text = `
const { Worker, isMainThread, parentPort, workerData, threadId } = require('node:worker_threads');
const fs = require('node:fs');
${SPIN}
if (isMainThread) {
  const threads = ['a', 'b'].map((name) => new Promise((resolve, reject) => {
    new Worker(__filename, { workerData: name }).on('message', resolve).on('error', reject);
  }));
  Promise.all(threads).then((results) => { console.log(results.join()); spin(300); });
} else {
  spin(400);
  parentPort.postMessage(workerData + JSON.parse(JSON.stringify([fs.readFileSync(__filename).length > 9])));
}
`;
    const run = await lab.expectSame(lab.file('app.js', text));
    expect(run.stdout).toBe('atrue,btrue\n');
    const folders = families(lab)[0]!.sort();
    expect(folders[0]).toMatch(/^main-\d+$/);
    for (const folder of folders.slice(1)) expect(folder).toMatch(/^worker-\d+-\d+$/);
    expect(summaryCount(run)).toBe(1);
  }),
);

it(
  'a thread that throws, and one that exits, end as without the agent',
  inLab(async (lab) => {
    const text = `
const { Worker } = require('node:worker_threads');
new Worker('throw new Error("from the thread")', { eval: true })
  .on('error', ({ message }) => console.log('error', message))
  .on('exit', (code) => {
    console.log('exit', code);
    new Worker('process.exit(4)', { eval: true }).on('exit', (code) => console.log('exit', code));
  });
`;
    const run = await lab.expectSame(lab.file('app.js', text));
    expect(run.stdout).toBe('error from the thread\nexit 1\nexit 4\n');
  }),
);

it(
  'the package’s own name loads it: node -r evdiag/agent and --import evdiag/agent',
  inLab(async (lab) => {
    // As an installation would have it.
    lab.file('node_modules/evdiag/package.json', readFileSync(join(ROOT, 'package.json'), 'utf8'));
    symlinkSync(join(ROOT, 'dist'), join(lab.folder, 'node_modules/evdiag/dist'));
    const app = lab.file('app.js', `setTimeout(() => console.log('done'), 400);`);
    for (const flag of ['-r', '--import']) {
      const run = await lab.expectSame(app, { node: [flag, 'evdiag/agent'] });
      expect(summaryCount(run), flag).toBe(1);
    }
  }),
);
