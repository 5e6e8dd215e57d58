import { expect, it } from 'vitest';
import { behindNative } from '../../agents/watchdog/stall/stall-evidence.ts';
import { rowsOf } from '../../src/recording/types.ts';
import { inLab, lineOf, ROOT } from '../support/run-agent.ts';

/** bcrypt exports functions, @node-rs/xxhash classes. */
const LOAD = `
const { createRequire } = require('node:module');
const load = createRequire(${JSON.stringify(`${ROOT}/package.json`)});
const bcrypt = load('bcrypt');
const addon = load('node-gyp-build')(require('node:path').dirname(load.resolve('bcrypt/package.json')));
const { Xxh64 } = load('@node-rs/xxhash');
`;

it(
  'a function of a native add-on that blocks is named, with the line that called it',
  inLab(async (lab) => {
    const text = `${LOAD}
const server = setInterval(() => {}, 20);
const next = (text) => JSON.stringify({ text });
function login() {
  const hash = bcrypt.hashSync('secret', 12); // blocks
  return next(hash);
}
setTimeout(() => {
  login();
  setTimeout(() => clearInterval(server), 300);
}, 300);`;
    await lab.run(lab.file('app.cjs', text));
    const stalls = rowsOf(lab.recording(), 'stall').filter(({ startup }) => !startup);
    const [longest] = stalls.toSorted((a, b) => b.durationMs - a.durationMs);
    expect(longest).toMatchObject({ kind: 'native-addon', location: { line: lineOf(text, '// blocks') } });
    expect(longest!.stacks[0]!.frames[0]).toMatchObject({
      category: 'native',
      function: /^bcrypt.*\.node encrypt_sync$/,
    });
  }),
);

it(
  'the program sees the same functions, classes and results, also where they are called very often',
  inLab(async (lab) => {
    const text = `${LOAD}
// The source text of a native function that is passed through a proxy lacks its name.
const describe = (f) => [typeof f, f.name, f.length, String(f).replace(f.name, ''), Object.getOwnPropertyNames(f).join()].join(' ');
for (const name of Object.keys(addon)) console.log(name, describe(addon[name]));
for (const name of Object.getOwnPropertyNames(Xxh64.prototype)) console.log(name, describe(Xxh64.prototype[name]));
const one = new Xxh64();
console.log(one instanceof Xxh64, Object.getPrototypeOf(one) === Xxh64.prototype, one.constructor === Xxh64);
let hash = one;
for (let i = 0; i < 20_000; i++) hash = hash.update('some text');
console.log(String(hash.digest()));
for (const wrong of [() => Xxh64.prototype.update.call({}, 'x'), () => bcrypt.hashSync(1, 4)]) {
  try { console.log(wrong()); } catch (error) { console.log(error.name, error.message); }
}
bcrypt.hash('x', 4).then((text) => console.log(text.length, bcrypt.compareSync('x', text)));`;
    const run = await lab.expectSame(lab.file('app.cjs', text));
    expect(run.stdout).toContain('true true true');
  }),
);

it.each([
  ['a function that has just been entered', 1, [['handler', '/app.js', 9, 1]]],
  [
    'one that goes on',
    0,
    [
      ['next', '/app.js', 3, 7],
      ['handler', '/app.js', 9, 1],
    ],
  ],
] as const)('behind a native call stands %s', (_what, entered, callers) => {
  const frames = [['next', '/app.js', 3, 7] as const, ['handler', '/app.js', 9, 1] as const].map((frame) => [...frame]);
  expect(behindNative({ frames: frames as never, entered })).toEqual([['(native call)', null, 0, 0], ...callers]);
});

it('behind a native call stands a built-in that begins', () => {
  const frames = [
    ['JSON.stringify', null, 0, 0],
    ['handler', '/app.js', 9, 1],
  ];
  expect(behindNative({ frames: frames as never, entered: 0 })).toEqual([
    ['(native call)', null, 0, 0],
    ['handler', '/app.js', 9, 1],
  ]);
});
