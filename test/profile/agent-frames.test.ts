import { expect, test } from 'vitest';
import { totalOf } from '../../src/profile/call-tree.ts';
import { readCpuProfile } from '../../src/profile/read-cpuprofile.ts';
import { tableOf } from '../../src/profile/table.ts';

const AGENT = '/srv/app/node_modules/evdiag/dist/agent.cjs';
const APP = 'file:///srv/app/app.js';

type Node = [name: string, url: string, weightMs: number, ...below: Node[]];

/** As V8 has it, one sample for each node. */
function profileOf(root: Node) {
  const nodes: object[] = [];
  const samples: number[] = [];
  const timeDeltas: number[] = [0];
  const place = ([functionName, url, weightMs, ...below]: Node): number => {
    const id = nodes.length + 1;
    const children: number[] = [];
    const callFrame = { functionName, url, scriptId: url || !functionName ? '7' : '0', lineNumber: 0, columnNumber: 0 };
    nodes.push({ id, callFrame, children, positionTicks: [{ line: 3, ticks: 1 }] });
    samples.push(id);
    timeDeltas.push(weightMs * 1000);
    for (const child of below) children.push(place(child));
    return id;
  };
  place(root);
  const endTime = timeDeltas.reduce((sum, delta) => sum + delta, 0);
  return { nodes, samples, timeDeltas: timeDeltas.slice(0, -1), startTime: 0, endTime };
}

const agent = (name: string, weightMs: number, ...below: Node[]): Node => [name, `file://${AGENT}`, weightMs, ...below];
const PROFILE = profileOf([
  '(root)',
  '',
  0,
  [
    'load',
    APP,
    10,
    agent(
      'markedCall',
      2,
      agent('writeSite', 3, ['stringify', '', 1]),
      agent('markedCall', 0, ['readFileSync', 'node:fs', 40, ['parseConfig', APP, 5]]),
    ),
  ],
  ['markedCall', APP, 7],
  ['listOnTimeout', 'node:internal/timers', 1, agent('sample', 4, ['getHeapStatistics', 'node:v8', 6])],
  // The question of the watchdog, in the middle of the program, and code of the program that has no file either.
  ['', '', 2, agent('recent', 8)],
  ['', '', 9, ['evaluated', '', 11]],
  // A listener of the program that the agent calls for Node.
  agent('onSignal', 1, ['atSignal', APP, 20, ['write', '', 3]]),
]);

const weights = (agentFile: string | null): Record<string, number> => {
  const thread = readCpuProfile(PROFILE, { agentFile });
  const { rows } = tableOf({ title: '', kind: 'cpu', unit: 'us', threads: [thread] }, 'function');
  return Object.fromEntries(rows.filter(({ self }) => self > 0).map(({ name, self }) => [name, self / 1000]));
};

test('a wrapper’s time is its caller’s, what it calls stays, and what the agent does for itself is one frame', () => {
  expect(weights(AGENT)).toEqual({
    load: 12,
    readFileSync: 40,
    parseConfig: 5,
    markedCall: 7,
    listOnTimeout: 1,
    'evdiag agent': 3 + 1 + 4 + 6 + 2 + 8 + 1,
    '(anonymous)': 9,
    evaluated: 11,
    atSignal: 20,
    write: 3,
  });
});

test('nothing is lost, lines of the agent are no lines of its callers, callers stay callers', () => {
  const [plain, without] = [null, AGENT].map((agentFile) => readCpuProfile(PROFILE, { agentFile }));
  expect(totalOf(without!)).toBeCloseTo(totalOf(plain!), 5);
  expect(without!.frames.some(({ file }) => file === AGENT)).toBe(false);
  expect(without!.taken).toEqual(plain!.taken);
  const { node, weight } = without!.lines!;
  const sums = new Map<string, number>();
  for (const [i, at] of node.entries()) {
    const { function: name } = without!.frames[without!.frame[at]!]!;
    sums.set(name, (sums.get(name) ?? 0) + weight[i]! / 1000);
  }
  expect(sums.get('load')).toBe(10);
  expect(sums.has('evdiag agent')).toBe(false);
  const { rows } = tableOf({ title: '', kind: 'cpu', unit: 'us', threads: [without!] }, 'function');
  expect(rows.find(({ name }) => name === 'load')!.total / 1000).toBe(10 + 2 + 3 + 1 + 40 + 5);
});

test('without the agent’s file nothing is taken for the agent', () => {
  expect(weights(null)).toMatchObject({ recent: 8, sample: 4, writeSite: 3 });
  expect(weights('/elsewhere/dist/agent.cjs')).toEqual(weights(null));
});
