import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import type { AsyncDump } from '../../src/async-dump/dump-async.ts';
import { countsByPlace, markedPlaces } from '../support/dump.ts';
import { tempFolder } from '../support/recording.ts';
import { ROOT, TEST_NODE } from '../support/run-agent.ts';

const PROGRAM = `
import { dumpAsync } from '${join(ROOT, 'dist/index.js')}';
const keep = [];
const gate = () => new Promise((resolve) => keep.push(resolve));
async function leaf() { /*6*/await gate(); }
async function both() { /*3*/await Promise.all([leaf(), leaf()]); }
for (let i = 0; i < 3; i++) keep.push(both());
async function asks(options) { return await dumpAsync(options); }
const quick = asks();
const exact = quick.then(() => asks({ exact: true }));
Promise.all([quick, exact]).then((dumps) => console.log(JSON.stringify(dumps)));
`;

const COMPILED = `
import vm from 'node:vm';
import { dumpAsync } from '${join(ROOT, 'dist/index.js')}';
const keep = [];
const gate = () => new Promise((resolve) => keep.push(resolve));
async function ofEval() { await eval('(async function inner() { await gate(); })()'); }
const step = vm.runInThisContext('(async function step(gate) { await gate(); })');
async function ofScript() { await step(gate); }
keep.push(ofEval(), ofScript());
dumpAsync().then(({ suspended }) => console.log(JSON.stringify(suspended)));
`;

test('calls of code that was compiled while the program ran are below those that await them', async () => {
  const file = join(tempFolder({ 'app.mjs': COMPILED }), 'app.mjs');
  const { stdout } = await promisify(execFile)(TEST_NODE, [file]);
  const calls = (JSON.parse(stdout) as AsyncDump['suspended']).map((call) => [call.function, call.file, call.line]);
  expect(calls).toContainEqual(['inner', file, 6]);
  expect(calls).toContainEqual(['step', 'evalmachine.<anonymous>', 1]);
  for (const name of ['ofEval', 'ofScript']) expect(calls).toContainEqual([name, file, name === 'ofEval' ? 6 : 8]);
});

test('dumpAsync finds the suspended calls of its own thread, without the agent and without itself', async () => {
  const file = join(tempFolder({ 'app.mjs': PROGRAM }), 'app.mjs');
  const { stdout } = await promisify(execFile)(TEST_NODE, [file]);
  const [quick, exact] = (JSON.parse(stdout) as AsyncDump[]).map(({ suspended, counted, cycles }) => {
    const calls = suspended.filter((call) => call.file === file);
    return { counted, cycles, places: countsByPlace(calls), names: calls.map((call) => call.function) };
  });
  expect(exact).toEqual({ counted: 'calls', cycles: [], places: markedPlaces(PROGRAM), names: ['leaf', 'both'] });
  expect(quick).toEqual({ ...exact, counted: 'promises' });
});
