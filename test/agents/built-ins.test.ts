/** Node's modules whose calls are marked are loaded when the program asks for them, and are marked by then. */
import { expect, it } from 'vitest';
import { AGENT_CJS, inLab, type Lab } from '../support/run-agent.ts';

const MARKED = ['child_process', 'crypto', 'zlib'];
/** Says whether the function is a wrapper: the text of another realm shows it as it is. */
const TELL = `const tell = (call) => console.log(/markedCall/.test(
  globalThis.early('vm').runInNewContext('Function.prototype.toString').call(call)));
`;

it(
  'a program that does not use them does not load them',
  inLab(async (lab) => {
    const text = `const names = process.moduleLoadList.map((name) => name.replace(/^NativeModule /, ''));
console.log(JSON.stringify(${JSON.stringify(MARKED)}.filter((name) => names.includes(name))));`;
    const run = await lab.run(lab.file('app.cjs', text));
    expect(run.stdout).toBe('[]\n');
  }),
);

/** Hands its `require` on to programs that have none. */
function preload(lab: Lab, before = ''): string {
  return lab.file('early.cjs', `globalThis.early = require;\n${before}`);
}

const ways = {
  'require in CommonJS': ['app.cjs', `${TELL}tell(require('crypto').pbkdf2Sync);`],
  'a named import': ['app.mjs', `import { pbkdf2Sync } from 'node:crypto';\n${TELL}tell(pbkdf2Sync);`],
  'a default import': ['app.mjs', `import crypto from 'crypto';\n${TELL}tell(crypto.pbkdf2Sync);`],
  'a dynamic import': ['app.cjs', `${TELL}import('crypto').then(({ pbkdf2Sync }) => tell(pbkdf2Sync));`],
  createRequire: [
    'app.mjs',
    `import { createRequire } from 'node:module';\n${TELL}tell(createRequire(import.meta.url)('node:crypto').pbkdf2Sync);`,
  ],
  'process.getBuiltinModule': [
    'app.cjs',
    `${TELL}tell((process.getBuiltinModule ?? require)('node:crypto').pbkdf2Sync);`,
  ],
  'a preload before the agent': ['app.cjs', `${TELL}tell(require('crypto').pbkdf2Sync);`],
} as const;

it.concurrent.each(Object.entries(ways))(
  'calls of a module that is loaded by %s are marked',
  async (way, [name, text]) => {
    await inLab(async (lab) => {
      const before = way === 'a preload before the agent' ? `require('crypto');` : '';
      const run = await lab.run(lab.file(name, text), { node: ['-r', preload(lab, before), '-r', AGENT_CJS] });
      expect(run.stdout).toBe('true\n');
    })();
  },
);

it(
  'without an inspector they are loaded and marked at the start',
  inLab(async (lab) => {
    const without = lab.file(
      'without-inspector.cjs',
      `const Module = require('node:module');
const { _load } = Module;
Module._load = function (id, ...rest) {
  if (/^(node:)?inspector$/.test(id)) throw new Error('No such built-in module');
  return _load.call(this, id, ...rest);
};`,
    );
    const app = lab.file('app.cjs', ways['require in CommonJS'][1]);
    const run = await lab.run(app, { node: ['-r', preload(lab), '-r', without, '-r', AGENT_CJS] });
    expect(run.stdout).toBe('true\n');
  }),
);
