import { expect, it } from 'vitest';
import { rowsOf } from '../../src/recording/types.ts';
import { inLab, lineOf, OWN_ROWS } from '../support/run-agent.ts';

it(
  'setInterval is as without, in looks and in deeds',
  inLab(async (lab) => {
    const text = `
const timers = require('node:timers');
const { promisify, inspect } = require('node:util');
console.log(timers.setInterval === setInterval, setInterval.name, setInterval.length, typeof setInterval.prototype);
console.log(JSON.stringify(Object.getOwnPropertyDescriptors(setInterval)), Reflect.ownKeys(setInterval));
console.log(JSON.stringify(Object.getOwnPropertyDescriptor(globalThis, 'setInterval')));
console.log(JSON.stringify(Object.getOwnPropertyDescriptor(timers, 'setInterval')));
console.log(promisify(setInterval) === require('node:timers/promises').setInterval, typeof setInterval[promisify.custom]);
for (const bad of [undefined, null, 'text', {}]) {
  try { setInterval(bad, 1); } catch (error) { console.log(error.code, error.message); }
}
for (const length of [undefined, 0, 1, 4, 5, '3', 'x', -1, NaN, 2 ** 40, 1e3]) {
  const timer = setInterval(() => {}, length);
  console.log(length, timer.constructor.name, timer._repeat, timer.hasRef(), timer.unref() === timer, timer.hasRef(), timer.ref() === timer, timer.refresh() === timer);
  console.log(typeof timer[Symbol.toPrimitive](), typeof timer.close);
  clearInterval(timer);
}
// In whatever order they happen.
const happened = [];
process.on('exit', () => console.log(happened.sort().join('\\n')));
let count = 0;
const byNumber = setInterval(() => happened.push('never'), 0);
clearInterval(Number(byNumber));
clearTimeout(setInterval(() => happened.push('never'), 1));
const timer = setInterval(function (...args) {
  happened.push((this === timer) + args.join());
  if (++count === 3) { clearInterval(this); happened.push('cleared ' + this._destroyed); }
}, 2, 'a', 'b');
const { setInterval: free } = timers;
const other = free.call(undefined, () => { clearInterval(other); happened.push('free'); }, 20);
setInterval(() => happened.push('never'), 1e6).unref();
(async () => {
  let rounds = 0;
  for await (const value of require('node:timers/promises').setInterval(1, 'value')) {
    if (++rounds === 3) { happened.push(value + rounds); break; }
  }
  const { AsyncLocalStorage } = require('node:async_hooks');
  const storage = new AsyncLocalStorage();
  storage.run('context', () => { const inside = setInterval(() => { clearInterval(inside); happened.push(storage.getStore()); }, 0); });
})();
`;
    const run = await lab.expectSame(lab.file('app.js', text));
    expect(run.exitCode).toBe(0);
    expect(run.stdout).toContain('context');
    const module = lab.file(
      'app.mjs',
      `import timers, { setInterval as named } from 'node:timers';
console.log(named === timers.setInterval, named === globalThis.setInterval, named.name);
const timer = named(() => { clearInterval(timer); console.log('done'); }, 0);`,
    );
    expect((await lab.expectSame(module)).stdout).toBe('true true setInterval\ndone\n');
  }),
);

it(
  'fake timers can take its place, and give it back',
  inLab(async (lab) => {
    const text = `
const timers = require('node:timers');
const { mock } = require('node:test');
const real = globalThis.setInterval;
const calls = [];
function fake(callback, length) { calls.push(length); return { fake: true, unref() {} }; }
globalThis.setInterval = timers.setInterval = fake;
console.log(setInterval === fake, setInterval(() => {}, 0).fake, calls.join());
globalThis.setInterval = timers.setInterval = real;
console.log(setInterval === real, timers.setInterval === real);
mock.timers.enable({ apis: ['setInterval'] });
let ticks = 0;
const mocked = setInterval(() => ticks++, 1);
mock.timers.tick(10);
console.log('ticks', ticks);
clearInterval(mocked);
mock.timers.reset();
console.log(setInterval === real);
const timer = setInterval(() => { clearInterval(timer); console.log('real'); }, 0);
setTimeout(() => {}, 300);
`;
    const run = await lab.expectSame(lab.file('app.js', text));
    expect(run.stdout).toBe('true true 0\ntrue true\nticks 10\ntrue\nreal\n');
  }),
);

it(
  'a deep sample tells where the polls that still run were started, and no others',
  inLab(async (lab) => {
    const text = `${OWN_ROWS}
function poll() {
  return setInterval(() => {}, 0); // guilty
}
const timers = [poll(), setInterval(() => {}, 50)];
clearInterval(setInterval(() => {}, 1));
until(() => rows('deep-sample').length > 0).then(() => timers.forEach(clearInterval));
`;
    await lab.run(lab.file('app.js', text), { env: { EVDIAG_LEVEL: 'diagnose' } });
    const [deepSample] = rowsOf(lab.recording(), 'deep-sample');
    expect(deepSample?.shortIntervals).toEqual([
      { file: `${lab.folder}/app.js`, line: lineOf(text, '// guilty'), column: expect.any(Number), function: 'poll' },
    ]);
  }),
);
