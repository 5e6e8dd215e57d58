import { expect, test } from 'vitest';
import type { Connection } from '../../src/attach/connect.ts';
import { takeCpuProfiles } from '../../src/attach/take-cpu-profile.ts';

/** Of a thread whose profiler took 40 ms to start, and that lacks two samples. */
const PROFILE = {
  nodes: [{ id: 1, callFrame: { functionName: '(root)', scriptId: '0', url: '', lineNumber: -1, columnNumber: -1 } }],
  ...{ startTime: 0, endTime: 46_000, samples: [1, 1, 1, 1], timeDeltas: [40_000, 1000, 3000, 1000] },
};

test('the start of the profiler itself is no missed sample', async () => {
  const connection = {
    hello: { pid: 7 },
    async request(_method: string, _params: object, { onPart }: { onPart(part: unknown): void }) {
      onPart({ part: 'profile', threadId: 0, text: JSON.stringify(PROFILE) });
      onPart({
        part: 'profiled',
        threadId: 0,
        intervalUs: 1000,
        warmCode: true,
        apart: true,
        agentFile: '/a',
        problem: null,
      });
    },
  } as unknown as Connection;
  const { threads } = await takeCpuProfiles(connection, { durationMs: 1, intervalUs: 1000, inlining: false });
  expect(threads).toMatchObject([{ missedCount: 2, sampleCount: 4 }]);
});
