import { describe, expect, it } from 'vitest';
import { type Recording, rowsOf, type UnfinishedEntry } from '../../src/recording/types.ts';
import { complaints, inLab, lineOf, OWN_ROWS } from '../support/run-agent.ts';

/** Less than `churn` costs. */
const SMALL = { EVDIAG_BUDGET: '10%' };

/** `isPaused`: nothing of ours is in the thread. `churn`: makes promises and resources until that is so, or no longer. */
const CHURN = `
const { EventEmitter } = require('node:events');
const getter = (holder, name) => Object.getOwnPropertyDescriptor(holder, name).get;
const originals = () => [Promise.all, EventEmitter.prototype.on, EventTarget.prototype.addEventListener, AbortController.prototype.abort,
  getter(AbortController.prototype, 'signal'), getter(AbortSignal.prototype, 'aborted')];
const wrapped = originals();
const isPaused = () => originals().every((one, i) => one !== wrapped[i]);
const churn = async (isOver) => {
  while (!isOver()) {
    for (let i = 0; i < 500; i++) await new Promise((resolve) => setImmediate(resolve));
  }
};
`;

function entriesAt(recording: Recording, what: UnfinishedEntry['what'], line: number): UnfinishedEntry[] {
  return rowsOf(recording, 'unfinished')
    .flatMap(({ entries }) => entries)
    .filter((entry) => entry.what === what && entry.location?.line === line);
}

describe('where following costs more than the budget, it pauses', () => {
  it(
    'all is Node’s own then, as often as it comes back',
    inLab(async (lab) => {
      const text = `${CHURN}
const { executionAsyncId } = require('node:async_hooks');
// A host that is busy lets it cost less.
const until = performance.now() + 15_000;
const isLate = () => performance.now() > until;
(async () => {
  for (let i = 0; i < 2; i++) {
    await churn(() => isPaused() || isLate());
    const id = await new Promise((resolve) => setTimeout(() => Promise.resolve().then(() => resolve(executionAsyncId())), 1));
    // Neither a wrapper of ours nor, after that, promises that are tracked.
    if (isPaused()) console.log(originals().every((one) => !String(one).includes('quietly')), id);
    await churn(() => originals().every((one, n) => one === wrapped[n]) || isLate());
  }
  process.exit(0);
})();`;
      const run = await lab.run(lab.file('app.js', text), { env: SMALL });
      expect(['', 'true 0\n', 'true 0\ntrue 0\n']).toContain(run.stdout);
      expect(complaints(run)).toEqual([]);
      const last = rowsOf(lab.recording(), 'unfinished').at(-1);
      if (run.stdout !== '' && last) expect(last.seenShare).toBeLessThan(1);
    }),
  );
});

describe.concurrent('at level watch', () => {
  it(
    'a small program is followed whole: its calls, resources and counts are told as at diagnose',
    inLab(async (lab) => {
      const text = `${OWN_ROWS}
const kept = [];
async function waits() {
  await new Promise((resolve) => kept.push(resolve)); // waits
}
until(() => rows('agent-cost').some(({ sensors }) => sensors?.length > 0)).then(() => {
  for (let i = 0; i < 7; i++) waits();
  return until(() => rows('unfinished').some(({ entries }) => entries.some(({ what, alive }) => what === 'await' && alive === 7)));
}).then(() => process.exit(0));`;
      const run = await lab.run(lab.file('app.js', text));
      expect(complaints(run)).toEqual([]);
      const recording = lab.recording();
      expect(rowsOf(recording, 'unfinished').at(-1)).toMatchObject({ seenShare: 1, pauses: 0 });
      expect(entriesAt(recording, 'await', lineOf(text, '// waits')).at(-1)).toMatchObject({ created: 7, alive: 7 });
      expect(rowsOf(recording, 'agent-cost').at(-1)!.budgetShare).toBe(0.005);
    }),
  );

  it(
    'a thread that lives from awaits alone gets no hooks',
    inLab(async (lab) => {
      const text = `${OWN_ROWS}${CHURN}
(async () => {
  const isOver = () => rows('memory').length > 3;
  for (let i = 0; ; i++) {
    for (let k = 0; k < 1e6; k++) await k;
    await new Promise((resolve) => setImmediate(resolve));
    if (isOver()) break;
  }
  console.log(originals().every((one, i) => one === wrapped[i]), rows('unfinished').length);
  process.exit(0);
})();`;
      const run = await lab.run(lab.file('app.js', text));
      expect(run.stdout).toBe('true 0\n');
    }),
  );

  it(
    'a burst of awaits that lets no timer in is followed no longer than can be paid for',
    inLab(async (lab) => {
      const text = `${CHURN}
(async () => {
  // The hooks are in, and go while the queue of microtasks is never empty.
  let atMost = 3e8;
  while (!isPaused() && --atMost > 0) await null;
  console.log(atMost > 0);
  process.exit(0);
})();`;
      const run = await lab.run(lab.file('app.js', text), { env: { EVDIAG_BUDGET: '1%' } });
      expect(run.stdout).toBe('true\n');
      expect(complaints(run)).toEqual([]);
    }),
  );

  it(
    'with a budget of nothing, nothing is followed',
    inLab(async (lab) => {
      const text = `${OWN_ROWS}${CHURN}
until(() => rows('memory').length > 2).then(() => {
  console.log(originals().every((one, i) => one === wrapped[i]), rows('unfinished').length);
  process.exit(0);
});`;
      const run = await lab.run(lab.file('app.js', text), { env: { EVDIAG_BUDGET: '0', EVDIAG_LEVEL: 'diagnose' } });
      expect(run.stdout).toBe('true 0\n');
    }),
  );
});

it(
  'a budget that is none is one sentence, and the level’s own is used',
  inLab(async (lab) => {
    const run = await lab.run(lab.file('app.js', 'setTimeout(() => {}, 50);'), { env: { EVDIAG_BUDGET: 'all' } });
    expect(complaints(run)).toEqual([
      expect.stringContaining(
        'EVDIAG_BUDGET="all" is not a share of the thread\'s time from 0% to 50%, such as 2%; using 0.5%',
      ),
    ]);
  }),
);
