import { expect, test } from 'vitest';
import type { RawFrame } from '../../agents/shared-memory.ts';
import { MAX_LOOKS, stateOf } from '../../agents/watchdog/socket/methods/thread-state.ts';
import type { InterruptedStack } from '../../src/protocol/thread-api.ts';

const stack = (idleMs: number, ...frames: RawFrame[]): InterruptedStack => ({
  ...{ atMs: 0, entered: 0, count: 0, turns: 0, asyncId: 0, triggerId: 0, idleMs },
  frames,
});
const OWN: RawFrame = ['main', '/app/main.js', 1, 1];
const NODES: RawFrame = ['processTicksAndRejections', 'node:internal/process/task_queues', 105, 5];
const BUILT_IN: RawFrame = ['Array.map', null, 0, 0];
const within = (idleMs = 0): InterruptedStack => stack(idleMs, NODES, OWN);
const between = (idleMs = 0): InterruptedStack => stack(idleMs, BUILT_IN, NODES);
const empty = (idleMs = 0): InterruptedStack => stack(idleMs);

/** The answers in order; the last one is given again. */
async function asked(answers: (InterruptedStack | null | undefined)[], hasEnded = false) {
  let asked = 0;
  const found = await stateOf(
    () => hasEnded,
    () => Promise.resolve(answers[Math.min(asked++, answers.length - 1)]),
  );
  return { ...found, asked };
}

test.each([
  ['the program is on the stack', [within()], 'running', within(), 1],
  ['it is on the stack of a later look', [between(), empty(), within()], 'running', within(), 3],
  ['it never is: Node itself runs', [between()], 'running', between(), MAX_LOOKS],
  ['there is none, and the loop does not wait', [empty()], 'running', empty(), MAX_LOOKS],
  ['there is none, and the loop waits', [empty(), empty(6)], 'idle', empty(6), 2],
  ['Node is about to wait', [between(), empty(6)], 'idle', empty(6), 2],
  ['there is no answer', [undefined], 'no-answer', null, 1],
  ['a native call begins after the first look', [between(), undefined], 'running', between(), 2],
  ['nothing was seen before a native call began', [empty(), undefined], 'no-answer', null, 2],
] as const)('%s', async (_, answers, state, seen, looks) => {
  expect(await asked([...answers])).toEqual({ state, stack: seen, asked: looks });
});

test('a thread that has ended since the first look', async () => {
  expect(await asked([between(), null], true)).toMatchObject({ state: 'ended', stack: null });
});
