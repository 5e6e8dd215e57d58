import { describe, expect, it } from 'vitest';
import { type Recording, rowsOf, type TriggerReason } from '../../src/recording/types.ts';
import { AGENT_CJS, inLab, type Lab, lineOf, OWN_ROWS, WORK } from '../support/run-agent.ts';

const DIAGNOSE = { EVDIAG_LEVEL: 'diagnose' };

/**
 * A preload that counts what is hooked and unhooked by anybody after it, and gives the agent reason to look: so many
 * timers, until the deep sample has begun. With a budget of nothing, only a deep sample hooks anything.
 */
const SPY = `
let timers = [];
setImmediate(() => {
  if (process.env.EVDIAG_FAMILY) timers = Array.from({ length: 2500 }, () => setTimeout(() => {}, 1e6));
});
const calm = () => timers.splice(0).forEach(clearTimeout);
const asyncHooks = require('node:async_hooks');
const { promiseHooks } = require('node:v8');
const spy = { on: 0, off: 0 };
globalThis.spy = spy;
const { createHook } = asyncHooks;
asyncHooks.createHook = (callbacks) => {
  const hook = createHook(callbacks);
  const { enable, disable } = hook;
  return Object.assign(hook, {
    enable() { spy.on++; calm(); return enable.call(this); },
    disable() { spy.off++; return disable.call(this); },
  });
};
const { onInit } = promiseHooks;
promiseHooks.onInit = (hook) => {
  const stop = onInit(hook);
  spy.on++;
  return () => { spy.off++; stop(); };
};
`;

/** Options of Node that load the spy before the agent; `plain` without the agent. */
function spied(lab: Lab): { node: string[]; plain: string[]; env: Record<string, string> } {
  const spy = lab.file('spy.js', SPY);
  return { node: ['-r', spy, '-r', AGENT_CJS], plain: ['-r', spy], env: { EVDIAG_BUDGET: '0' } };
}

const looksFor = (recording: Recording, reason: TriggerReason) =>
  rowsOf(recording, 'deep-sample').filter(({ reasons }) => reasons.includes(reason));

// They wait most of the time, each for a deep sample of two seconds: several at once.
describe.concurrent('at level watch', () => {
  it(
    'a busy loop is suspected and looked at once; then there is a rest',
    inLab(async (lab) => {
      const text = `${OWN_ROWS}${WORK}
const timer = setInterval(work, 1, 5e6);
const deepSamples = () => rows('deep-sample').filter(({ reasons }) => reasons.includes('utilization'));
// Long enough for the trigger to arise again after the deep sample.
until(() => deepSamples().length > 0 && rows('memory').at(-1).t > deepSamples()[0].t + 4000).then(() => clearInterval(timer));
`;
      await lab.run(lab.file('app.js', text));
      const recording = lab.recording();
      const triggers = rowsOf(recording, 'trigger').filter(({ reason }) => reason === 'utilization');
      expect(triggers[0]!.value).toBeGreaterThanOrEqual(triggers[0]!.limit);
      expect(triggers.filter(({ deepSample }) => deepSample)).toHaveLength(1);
      const deepSamples = looksFor(recording, 'utilization');
      expect(deepSamples).toHaveLength(1);
      expect(deepSamples[0]!.startMs).toBeGreaterThanOrEqual(triggers[0]!.t - 1);
      const [stack] = deepSamples[0]!.stacks;
      expect(stack?.frames.find(({ category }) => category === 'application')?.line).toBe(lineOf(text, '// works'));
      expect(stack!.count).toBeGreaterThan(deepSamples[0]!.samples / 4);
    }),
  );

  it(
    'an idle program is not looked at',
    inLab(async (lab) => {
      // Seldom: reading the rows is work.
      const text = `${OWN_ROWS} const timer = setInterval(() => rows('memory').length > 3 && clearInterval(timer), 250);`;
      await lab.run(lab.file('app.js', text));
      // Where the machine is busy, a collection takes long, and the loop may be late.
      const ofMachine: readonly string[] = ['gc', 'latency'];
      const deepSamples = rowsOf(lab.recording(), 'deep-sample');
      expect(deepSamples.filter(({ reasons }) => !reasons.some((reason) => ofMachine.includes(reason)))).toEqual([]);
      expect(rowsOf(lab.recording(), 'trigger').filter(({ reason }) => !ofMachine.includes(reason))).toEqual([]);
    }),
  );
});

describe.concurrent('at level diagnose', () => {
  it(
    'a routine deep sample of an idle program finds it idle, takes a bounded number of stacks, and comes again after a rest',
    inLab(async (lab) => {
      const text = `${OWN_ROWS} until(() => rows('deep-sample').length > 1);`;
      await lab.run(lab.file('app.js', text), { env: DIAGNOSE });
      const recording = lab.recording();
      const deepSamples = looksFor(recording, 'routine');
      // A busy machine has reasons of its own for one more.
      expect(deepSamples.length).toBeGreaterThanOrEqual(2);
      // Every 8 ms at the most.
      for (const deepSample of deepSamples) expect(deepSample.samples).toBeLessThanOrEqual(deepSample.durationMs / 8);
      expect(deepSamples[0]!.busySamples).toBeLessThan(deepSamples[0]!.samples / 4);
      expect(deepSamples[0]!.created).toMatchObject({ promises: expect.any(Number) });
      const stacks = rowsOf(recording, 'agent-cost').reduce((sum, row) => sum + row.stacks, 0);
      expect(stacks).toBeLessThanOrEqual(deepSamples.reduce((sum, { durationMs }) => sum + durationMs / 8, 0));
      // On a busy machine the loop may be late, which is a reason of its own and does not wait for the rest to end.
      const leastRestMs = deepSamples[1]!.reasons.length === 1 ? 9900 : deepSamples[0]!.durationMs;
      expect(deepSamples[1]!.startMs - deepSamples[0]!.startMs).toBeGreaterThan(leastRestMs);
    }),
  );

  it(
    'promises are tracked no longer after a deep sample, and every hook is taken away',
    inLab(async (lab) => {
      const text = `${OWN_ROWS}
const { executionAsyncId } = require('node:async_hooks');
// In a microtask after a timer: 0 while promises are not tracked.
const probe = () => new Promise((resolve) => setTimeout(() => Promise.resolve().then(() => resolve(executionAsyncId())), 1));
(async () => {
  console.log('before', await probe());
  await until(() => globalThis.spy.on > 0);
  await until(() => rows('deep-sample').length > 0);
  console.log('after', await probe(), globalThis.spy.on - globalThis.spy.off);
})();
`;
      const run = await lab.expectSame(lab.file('app.js', text), spied(lab));
      expect(run.stdout).toBe('before 0\nafter 0 0\n');
      expect(rowsOf(lab.recording(), 'deep-sample')[0]?.created?.promises).toBeGreaterThan(0);
    }),
  );

  it(
    'contexts and hooks of the program are right all the while',
    inLab(async (lab) => {
      const text = `${OWN_ROWS}
const { AsyncLocalStorage, AsyncResource, createHook } = require('node:async_hooks');
const { promiseHooks } = require('node:v8');
const storage = new AsyncLocalStorage();
const wrong = {};
let operations = 0;
let expected = { own: 0, promises: 0 };
let seen = { own: 0, promises: 0 };
createHook({ init: (id, type) => { if (type === 'OWN') seen.own++; } }).enable();
const OwnPromise = class extends Promise {};
promiseHooks.onInit((promise) => { if (promise instanceof OwnPromise) seen.promises++; });
const check = (what, value) => {
  operations++;
  if (storage.getStore() !== value) wrong[what] = (wrong[what] ?? 0) + 1;
};
const WAYS = {
  await: async () => { await null; },
  tick: () => new Promise((resolve) => process.nextTick(resolve)),
  immediate: () => new Promise((resolve) => setImmediate(resolve)),
  timer: () => new Promise((resolve) => setTimeout(resolve, 1)),
  resource: () => new Promise((resolve) => { expected.own++; const resource = new AsyncResource('OWN'); setImmediate(() => resource.runInAsyncScope(resolve)); }),
  promise: () => { expected.promises++; return new OwnPromise((resolve) => queueMicrotask(resolve)); },
  file: () => require('node:fs').promises.stat(__filename),
};
async function round(value) {
  for (const [what, way] of Object.entries(WAYS)) {
    for (let i = 0; i < 20; i++) {
      await (i > 1 && what !== 'promise' ? WAYS.await : way)();
      check(what, value);
    }
  }
}
let looked = false;
const done = until(() => rows('deep-sample').length > 0).then(() => { looked = true; });
(async () => {
  for (let i = 0; !looked || operations < 100000; i++) {
    const values = Array.from({ length: 20 }, (_, n) => ({ i, n }));
    await Promise.all(values.map((value) => storage.run(value, round, value)));
  }
  await done;
  console.log(JSON.stringify(wrong), seen.own - expected.own, storage.getStore());
  // OwnPromise.then makes one, too.
  console.log(seen.promises >= expected.promises);
})();
`;
      const run = await lab.expectSame(lab.file('app.js', text), { env: DIAGNOSE });
      expect(run.stdout).toBe('{} 0 undefined\ntrue\n');
      expect(rowsOf(lab.recording(), 'deep-sample').length).toBeGreaterThan(0);
    }),
  );
});

/** Loops that are not free to answer while they are looked at; they end by themselves. */
const STARVED = [
  {
    what: 'microtasks',
    text: 'const chain = () => { if (performance.now() < end) Promise.resolve().then(chain); else next(); }; chain();',
  },
  {
    what: 'ticks',
    text: 'const chain = () => { if (performance.now() < end) process.nextTick(chain); else next(); }; chain();',
  },
  {
    what: 'a native call',
    text: "require('node:child_process').execSync('sleep 5'); next();",
  },
  { what: 'a loop', text: 'while (performance.now() < end); next();' },
];

describe.concurrent('a deep sample at a thread that is starved or blocked ends, and leaves nothing on', () => {
  it.for(STARVED)('$what', async ({ text }) => {
    await inLab(async (lab) => {
      const app = `${OWN_ROWS}
function starve(next) {
  const end = performance.now() + 5000;
  ${text}
}
until(() => rows('memory').some(({ t }) => t > 900)).then(() => {
  // Within the deep sample, or where it is about to begin.
  setTimeout(starve, 200, async () => {
    await until(() => rows('deep-sample').length > 0);
    await new Promise((resolve) => setTimeout(resolve, 50));
    console.log('hooked:', globalThis.spy.on - globalThis.spy.off);
  });
});
`;
      const run = await lab.run(lab.file('app.js', app), spied(lab));
      expect(run).toMatchObject({ stdout: 'hooked: 0\n', exitCode: 0 });
      expect(rowsOf(lab.recording(), 'deep-sample').length).toBeGreaterThan(0);
    })();
  });
});

/** What a program does in the midst of a deep sample. */
const ENDINGS = [
  { what: 'it exits', text: "process.on('exit', (code) => console.log('exit', code)); process.exit(3);" },
  { what: 'it ends', text: "process.exitCode = 4; console.log('bye');" },
  { what: 'it throws', text: "throw new TypeError('no good');" },
  { what: 'it rejects', text: "Promise.reject(new Error('nobody cares'));" },
  {
    what: 'it handles a rejection late',
    text: `const late = [];
process.on('unhandledRejection', (error, promise) => { console.log('unhandled', error.message); late.push(promise); });
process.on('rejectionHandled', (promise) => console.log('handled', late.includes(promise)));
const rejected = Promise.reject(new Error('late'));
setTimeout(() => rejected.catch(() => console.log('caught')), 100);`,
  },
  {
    what: 'it handles an exception',
    text: `process.on('uncaughtException', (error, origin) => { console.log(error.message, origin); setTimeout(() => process.exit(5), 50); });
setTimeout(() => { throw new Error('handled'); }, 10);
(async () => { throw new Error('in async'); })();`,
  },
  { what: 'it kills itself', text: "process.kill(process.pid, 'SIGTERM'); setTimeout(() => {}, 10000);" },
];

describe.concurrent('in the midst of a deep sample, all is as without', () => {
  it.for(ENDINGS)('$what', async ({ text }) => {
    await inLab(async (lab) => {
      const app = `${OWN_ROWS}
const { writeSync } = require('node:fs');
until(() => globalThis.spy.on > 0).then(() => setTimeout(() => {
  ${text}
}, 20));
`;
      const run = await lab.expectSame(lab.file('app.js', app), spied(lab));
      const recording = lab.recording();
      expect(recording.rows.at(-1)).toMatchObject({ type: 'end' });
      expect(rowsOf(recording, 'deep-sample')).toHaveLength(1);
      expect(rowsOf(recording, 'deep-sample')[0]!.durationMs, run.stderr).toBeLessThan(2000);
    })();
  });
});
