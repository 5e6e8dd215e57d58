import { expect, it } from 'vitest';
import { rowsOf } from '../../src/recording/types.ts';
import { inLab, type Lab, lineOf, OWN_ROWS } from '../support/run-agent.ts';

const DIAGNOSE = { env: { EVDIAG_LEVEL: 'diagnose' } };

/** A busy host may answer too late for one deep sample. */
const SEEN = `until(() => rows('deep-sample').some(({ programHooks }) => programHooks)).then(() => {});`;

const hooksIn = (lab: Lab) => rowsOf(lab.recording(), 'deep-sample').flatMap(({ programHooks }) => programHooks ?? []);

it(
  'hooks and storages behave and look as without',
  inLab(async (lab) => {
    const text = `
const { createHook, AsyncLocalStorage, executionAsyncId } = require('node:async_hooks');
const seen = [];
const hook = createHook({ init(id, type) { if (type === 'Immediate') seen.push(type); } });
const { enable, disable } = Object.getPrototypeOf(hook);
console.log(enable.name, enable.length, typeof enable.prototype, disable.name, Object.keys(hook), String(enable).startsWith('enable'));
console.log(JSON.stringify(Object.getOwnPropertyDescriptors(Object.getPrototypeOf(hook))));
console.log(hook.enable() === hook, hook.enable() === hook);
setImmediate(() => {});
console.log(hook.disable() === hook, hook.disable() === hook);
setImmediate(() => {});
console.log(seen.length);
for (const self of [undefined, {}, 1]) { try { enable.call(self); } catch (error) { console.log(error.name); } }
const storage = new AsyncLocalStorage();
console.log(AsyncLocalStorage.prototype.disable.name, Object.keys(Object.getOwnPropertyDescriptors(AsyncLocalStorage.prototype)).join());
storage.run(1, () => {
  console.log(storage.getStore(), storage.exit(() => storage.getStore()), storage.getStore());
  setImmediate(() => { console.log(storage.getStore()); storage.disable(); console.log(storage.getStore()); storage.enterWith(2); console.log(storage.getStore()); });
});
`;
    const run = await lab.expectSame(lab.file('app.js', text));
    expect(run.exitCode).toBe(0);
  }),
);

it(
  'a deep sample tells who enabled which hook, the package as well, and none of the agent’s own',
  inLab(async (lab) => {
    lab.file('node_modules/tracer/package.json', '{"name":"tracer","main":"index.js"}');
    const tracer =
      "exports.start = () => require('node:async_hooks').createHook({ before() {}, after() {} }).enable();";
    lab.file('node_modules/tracer/index.js', tracer);
    const text = `${OWN_ROWS}
const { createHook } = require('node:async_hooks');
const never = createHook({ init() {} });
const gone = createHook({ init() {} }).enable();
gone.disable();
function follow() {
  return createHook({ init() {}, destroy() {} }).enable(); // guilty
}
follow();
require('tracer').start(); // by way of the package
const { AbortController } = globalThis;
new AbortController().signal.addEventListener('abort', () => {});
${SEEN}
`;
    await lab.run(lab.file('app.js', text), DIAGNOSE);
    const place = (mark: string, name: string) =>
      expect.objectContaining({ file: `${lab.folder}/app.js`, line: lineOf(text, mark), function: name });
    expect(hooksIn(lab)[0]).toEqual({
      storages: 0,
      storageSites: [],
      hooks: [
        { callbacks: ['init', 'destroy'], promises: true, location: place('// guilty', 'follow') },
        {
          callbacks: ['before', 'after'],
          promises: true,
          location: place('// by way of the package', ''),
          package: 'tracer',
        },
      ],
    });
  }),
);

it(
  'a program without hooks has none, whatever evdiag itself does',
  inLab(async (lab) => {
    const text = `${OWN_ROWS}
const controller = new AbortController();
fetchLater(controller.signal);
function fetchLater(signal) { setTimeout(() => {}, 5, signal); }
until(() => rows('deep-sample').length > 0).then(() => controller.abort());
`;
    await lab.run(lab.file('app.js', text), DIAGNOSE);
    expect(rowsOf(lab.recording(), 'deep-sample').length).toBeGreaterThan(0);
    expect(hooksIn(lab)).toEqual([]);
  }),
);

it(
  'instances of AsyncLocalStorage count while they are in use, where Node carries them by hooks',
  inLab(async (lab) => {
    const text = `${OWN_ROWS}
const { AsyncLocalStorage } = require('node:async_hooks');
function attempt() {
  const storage = new AsyncLocalStorage();
  storage.run({}, () => storage.exit(() => {})); // guilty
  return storage;
}
const all = Array.from({ length: 40 }, attempt);
for (const storage of all.slice(0, 10)) storage.disable();
for (const storage of all.slice(0, 10)) storage.disable();
const isCarried = '_enable' in AsyncLocalStorage.prototype;
console.log(isCarried);
const isEnough = isCarried ? (row) => row.programHooks : () => true;
until(() => rows('deep-sample').some(isEnough)).then(() => {});
`;
    const run = await lab.run(lab.file('app.js', text), DIAGNOSE);
    const isCarried = run.stdout.trim() === 'true';
    const site = { location: { line: lineOf(text, '// guilty'), function: 'attempt' } };
    const expected = isCarried ? [{ storages: 30, storageSites: [site], hooks: [] }] : [];
    expect(hooksIn(lab).slice(0, 1)).toMatchObject(expected);
  }),
);
