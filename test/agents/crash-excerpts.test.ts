/** What Node prints of an error that nobody catches: the same line with and without the agent. */
import { expect, test } from 'vitest';
import { inLab, type Lab } from '../support/run-agent.ts';

/** The place, its line of source, and the mark below it. */
async function excerpts(lab: Lab, name: string, text: string): Promise<[plain: string[], observed: string[]]> {
  const file = lab.file(name, text);
  const [plain, observed] = await Promise.all([lab.run(file, { node: [], env: { NODE_OPTIONS: '' } }), lab.run(file)]);
  expect([plain.exitCode, observed.exitCode]).toEqual([1, 1]);
  expect(observed.ownStderr).not.toContain('agent.cjs');
  return [plain.ownStderr.split('\n').slice(0, 3), observed.ownStderr.split('\n').slice(0, 3)];
}

test.each([
  ['a class of Intl', 'app.cjs', "const make = () =>\n  new Intl.DateTimeFormat('xx-invalid-zzzzzzzzz');\nmake();\n"],
  ['a number', 'app.cjs', "function show() {\n\treturn (5).toLocaleString('de', { style: 'currency' });\n}\nshow();\n"],
  ['a wait', 'app.cjs', 'setTimeout(() => Atomics.wait(new Int32Array(4), 0, 0), 20);\n'],
  ['an add-on that is not there', 'app.cjs', "process.dlopen({ exports: {} }, '/nowhere/none.node');\n"],
  ['a module, after an await', 'app.mjs', "await null;\nnew Intl.NumberFormat('de', { style: 'currency' });\n"],
  ['a promise', 'app.cjs', "Promise.resolve().then(() => new Intl.Collator('x-bad-zzzzzzzzzzzzz'));\n"],
  ['a text that is no JSON', 'app.cjs', "JSON.parse(' '.repeat(40000) + 'x');\n"],
  ['the program itself', 'app.cjs', "[1].map(() => {\n  throw new TypeError('mine');\n});\n"],
])('what is printed of an error that %s throws is the line of the program', async (_what, name, text) => {
  await inLab(async (lab) => {
    const [plain, observed] = await excerpts(lab, name, text);
    expect(observed).toEqual(plain);
  })();
});
