/** What the agent compiles when it is first needed is there, whatever the program has done to its folder, its files and its `require`. */
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { rowsOf } from '../../src/recording/types.ts';
import { inLab, ROOT } from '../support/run-agent.ts';

it('hooks, then rules, when the files of the agent have gone', ({ skip }) =>
  inLab(async (lab) => {
    const folder = join(lab.folder, 'agent');
    mkdirSync(folder);
    for (const file of ['agent.cjs', 'watchdog.cjs']) copyFileSync(join(ROOT, 'dist', file), join(folder, file));
    const text = `
const fs = require('node:fs');
const vm = require('node:vm');
const Module = require('node:module');
const file = process.env.EVDIAG_FAMILY + '/main-' + process.pid + '/recording.ndjson';
const isRecorded = () => fs.existsSync(file);
const isCounted = () => fs.readFileSync(file, 'utf8').split('\\n').slice(0, -1).some((line) => line.includes('"deep-sample"') && JSON.parse(line).created?.promises > 0);
const whenRecorded = setInterval(() => {
  if (!isRecorded()) return;
  clearInterval(whenRecorded);
  fs.rmSync(${JSON.stringify(folder)}, { recursive: true });
  process.chdir('/');
  Module._load = () => { throw new Error('no modules'); };
  vm.compileFunction = () => { throw new Error('no code'); };
  const channel = new BroadcastChannel('evdiag.agent');
  channel.postMessage({ type: 'level', level: 'diagnose' });
  channel.close();
  const timer = setInterval(() => Promise.resolve(), 5);
  const giveUpAt = Date.now() + 20_000;
  const whenCounted = setInterval(() => {
    if (!isCounted() && Date.now() < giveUpAt) return;
    clearInterval(timer);
    clearInterval(whenCounted);
  }, 100);
}, 20);
`;
    const run = await lab.run(lab.file('app.js', text), {
      node: ['-r', join(folder, 'agent.cjs')],
      env: { EVDIAG_BUDGET: '0' },
    });
    expect(run).toMatchObject({ exitCode: 0, ownStderr: '' });
    const recording = lab.recording();
    expect(rowsOf(recording, 'agent-error')).toEqual([]);
    // The rules are loaded last.
    expect(run.said.join('\n')).toContain('recorded');
    const isCounted = rowsOf(recording, 'deep-sample').some(({ created }) => (created?.promises ?? 0) > 0);
    // A sample is short: on a busy host the program may not have run in it.
    const isBusy = (await lab.report()).findings.some(({ kind }) => kind === 'contention' || kind === 'host');
    skip(!isCounted && isBusy, 'the host was too busy');
    expect(isCounted).toBe(true);
  })());

it(
  'hooks when globals that they are made with have gone',
  inLab(async (lab) => {
    const text = `
const fs = require('node:fs');
const file = process.env.EVDIAG_FAMILY + '/main-' + process.pid + '/recording.ndjson';
const now = Date.now;
const read = () => fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '';
const whenRecorded = setInterval(() => {
  if (read() === '') return;
  clearInterval(whenRecorded);
  for (const name of ['AbortController', 'AbortSignal', 'Object']) delete globalThis[name];
  const channel = new BroadcastChannel('evdiag.agent');
  channel.postMessage({ type: 'level', level: 'diagnose' });
  channel.close();
  const timer = setInterval(() => Promise.resolve(), 5);
  const end = now() + 20_000;
  const whenSampled = setInterval(() => {
    if (!read().includes('"type":"deep-sample"') && now() < end) return;
    clearInterval(timer);
    clearInterval(whenSampled);
  }, 100);
}, 20);
`;
    const run = await lab.run(lab.file('app.js', text));
    expect(run).toMatchObject({ exitCode: 0, ownStderr: '' });
    expect(rowsOf(lab.recording(), 'agent-error')).toEqual([]);
  }),
);
