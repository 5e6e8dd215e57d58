/** Built-ins that take the time of computation: the agent sees which, and at which line. */
import { expect, test } from 'vitest';
import { rowsOf, type StallStack } from '../../src/recording/types.ts';
import { inLab, type Lab } from '../support/run-agent.ts';

/** Calls `work` for half a second of CPU, then lets the agent write. */
const RUN = `
setTimeout(() => {
  const from = process.cpuUsage();
  const isOver = () => { const { user, system } = process.cpuUsage(from); return user + system > 5e5; };
  while (!isOver()) for (let i = 0; i < 10; i++) work(i);
  setTimeout(() => {}, 300);
}, 300);
`;

/** The stacks of the program's stalls, those of most time first. */
async function stacksOf(lab: Lab, program: string): Promise<StallStack[]> {
  await lab.run(lab.file('app.cjs', program + RUN));
  const stalls = rowsOf(lab.recording(), 'stall').filter(({ startup }) => !startup);
  return stalls.flatMap(({ stacks }) => stacks).sort((a, b) => b.weightMs - a.weightMs);
}

test.each([
  ['Date.toLocaleDateString', "new Date(i).toLocaleDateString('de', { weekday: 'long' })"],
  ['Number.toLocaleString', "i.toLocaleString('de', { style: 'currency', currency: 'EUR' })"],
  ['Intl.DateTimeFormat', "new Intl.DateTimeFormat('de', { weekday: 'long' }).format(i)"],
])('%s in each row is seen at its line', async (name, call) => {
  await inLab(async (lab) => {
    const stacks = await stacksOf(lab, `function work(i) {\n  const text = 'row';\n  return text + ${call};\n}\n`);
    const named = stacks.filter(({ frames }) => frames[0]?.function === name);
    expect(named.map(({ location, kind }) => [location?.line, location?.function, kind])[0]).toEqual([
      3,
      'work',
      'js-cpu',
    ]);
    expect(named.reduce((sum, { count = 0 }) => sum + count, 0)).toBeGreaterThan(1);
  })();
});

test('what a sort compares with is seen at the line of the comparison', async () => {
  await inLab(async (lab) => {
    const stacks = await stacksOf(
      lab,
      `const rows = Array.from({ length: 500 }, (_, i) => ({ name: 'é' + (i * 7) % 500 }));
function byName(a, b) {
  const { name } = a;
  return name.localeCompare(b.name, 'de', { numeric: true });
}
function work() { rows.slice().sort(byName); }
`,
    );
    const named = stacks.filter(({ frames }) => frames[0]?.function === 'String.localeCompare');
    expect(named.map(({ location, kind }) => [location?.line, location?.function, kind])[0]).toEqual([
      4,
      'byName',
      'js-cpu',
    ]);
  })();
});

test('who reads the stack of an error is seen while it is written out', async () => {
  await inLab(async (lab) => {
    const stacks = await stacksOf(
      lab,
      `Error.prepareStackTrace = function write(error, sites) { let sum = 0; for (let i = 0; i < 1e6; i++) sum += i; return String(sum); };
function work(i) {
  return new Error('row').stack;
}
`,
    );
    const writing = stacks.find(({ frames }) => frames.some(({ function: name }) => /write$/.test(name)));
    expect(writing?.frames.map(({ function: name }) => name)).toContain('work');
    expect(writing?.frames.some(({ file }) => file === '<anonymous>' || file.includes('agent.cjs'))).toBe(false);
  })();
});
