import { expect, test } from 'vitest';
import type { Connection } from '../../src/attach/connect.ts';
import { takeAllocationProfiles } from '../../src/attach/take-allocation-profile.ts';
import { TargetError } from '../../src/attach/target-error.ts';
import type { AllocationPart } from '../../src/protocol/allocation-parts.ts';

const REQUEST = { durationMs: 1, intervalBytes: 1024, live: true };

/** What is made of the parts that a process sends, in this order. */
function taken(...parts: AllocationPart[]) {
  const connection = {
    hello: { pid: 7 },
    async request(_method: string, _params: object, { onPart }: { onPart(part: AllocationPart): void }) {
      for (const part of parts) onPart(part);
    },
  } as unknown as Connection;
  return takeAllocationProfiles(connection, REQUEST);
}

const text = (threadId: number, some: string): AllocationPart => ({ part: 'profile', threadId, text: some });
const end = (threadId: number, problem: string | null = null): AllocationPart => ({
  part: 'profiled',
  threadId,
  problem,
});

test('the pieces of threads that send at the same time are put together, the main thread first', async () => {
  const { threads, problems } = await taken(
    text(2, '{"a"'),
    text(0, '{"b":'),
    text(2, ':1}'),
    end(2),
    text(0, '2}'),
    end(0),
  );
  expect(threads).toEqual([
    { threadId: 0, text: '{"b":2}' },
    { threadId: 2, text: '{"a":1}' },
  ]);
  expect(problems).toEqual([]);
});

test('threads that nothing came of are named beside the others', async () => {
  const { threads, problems } = await taken(text(0, '{}'), end(0), text(1, '{'), end(1, 'it ended'), end(3));
  expect(threads).toEqual([{ threadId: 0, text: '{}' }]);
  expect(problems).toEqual([
    { threadId: 1, problem: 'it ended' },
    { threadId: 3, problem: 'nothing came' },
  ]);
});

test.each([
  ['of a thread that tells why', [end(0, 'it is blocked')], 'No profile of process 7: it is blocked.'],
  ['of a process without threads', [], 'No profile of process 7: it has no thread.'],
  ['that was cut off', [text(0, '{')], 'No profile of process 7: it has no thread.'],
])('nothing %s is an error', async (_case, parts, message) => {
  const error = await taken(...parts).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(TargetError);
  expect(error).toHaveProperty('message', message);
});
