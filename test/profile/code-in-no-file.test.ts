import { expect, test } from 'vitest';
import { readCpuProfile } from '../../src/profile/read-cpuprofile.ts';

test('code made by eval is told from built-ins, though V8 gives neither a file', () => {
  const callFrame = (functionName: string, scriptId: string, lineNumber: number) => ({
    ...{ functionName, scriptId, url: '', lineNumber, columnNumber: lineNumber },
  });
  const nodes = [
    { id: 1, callFrame: callFrame('(root)', '0', -1), children: [2, 3, 4] },
    { id: 2, callFrame: callFrame('render', '81', 2), hitCount: 1 },
    { id: 3, callFrame: callFrame('', '81', 0), hitCount: 1 },
    { id: 4, callFrame: callFrame('postMessage', '0', -1), hitCount: 1 },
  ];
  const { frames } = readCpuProfile({ nodes, startTime: 0, endTime: 3000 });
  expect(frames).toMatchObject([
    { function: 'render', file: '(eval)', line: 3, category: 'dependency' },
    { function: '', file: '(eval)', line: 1, category: 'dependency' },
    { function: 'postMessage', file: '', category: 'native' },
  ]);
});
