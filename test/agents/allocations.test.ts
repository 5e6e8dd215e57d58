import { expect, test } from 'vitest';
import { summarizeAllocations, summarizeKept } from '../../agents/watchdog/deep-sample/allocations.ts';
import type { V8AllocationProfile } from '../../src/protocol/allocation-parts.ts';
import { createFrameMapper } from '../../src/recording/source-maps.ts';

const AGENT = '/opt/evdiag/dist/agent.cjs';
let id = 0;
const node = (functionName: string, url: string, selfSize: number, children: V8AllocationProfile['head'][] = []) => ({
  id: ++id,
  callFrame: { functionName, url, lineNumber: functionName.length, columnNumber: 0 },
  selfSize,
  children,
});

test('what a built-in allocates behind the agent’s wrapper is the program’s; what the agent allocates is nobody’s', () => {
  const hook = node('', AGENT, 5000);
  const builtin = node('parse', AGENT, 100, [node('markedCall', AGENT, 40_000)]);
  const callback = node('forEach', AGENT, 3000, [node('inCallback', '/srv/app.js', 700)]);
  const read = node('read', '/srv/app.js', 10, [hook, builtin, callback]);
  const head = node('(root)', '', 0, [read, node('', AGENT, 9000)]);
  const ids = [hook, builtin.children[0]!, read].map((one, i) => ({
    size: one.selfSize,
    nodeId: one.id,
    ordinal: i + 1,
  }));
  const profile: V8AllocationProfile = { head, samples: ids };
  const bytes = Object.fromEntries(
    summarizeAllocations(profile, createFrameMapper()).map((place) => [place.location.function, place.bytes]),
  );
  expect(bytes).toEqual({ read: 40_110, inCallback: 700 });
  expect(summarizeKept(profile, createFrameMapper()).sites).toMatchObject([{ aliveBytes: 40_010, samples: 2 }]);
});
