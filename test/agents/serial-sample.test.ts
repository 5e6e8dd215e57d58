import { expect, it } from 'vitest';
import { rowsOf } from '../../src/recording/types.ts';
import { inLab, lineOf, OWN_ROWS } from '../support/run-agent.ts';

it(
  'the awaits of one call are joined, also where so many promises are made that a sample is taken',
  inLab(async (lab) => {
    const text = `${OWN_ROWS}
const answer = () => new Promise((resolve) => setTimeout(resolve, 20));
async function list() {
  for (let i = 0; i < 10; i++) await answer(); // waits
}
const noise = setInterval(() => {
  for (let i = 0; i < 100; i++) Promise.resolve().then(() => {});
}, 5);
let done = false;
async function client() {
  while (!done) await list();
}
for (let i = 0; i < 10; i++) client();
const whole = (row) => row.entries.some((entry) => entry.location.function === 'list' && entry.steps.some((step) => step.longest.count >= 8));
// Where every promise is followed, it is no matter of the sample.
const sampled = () => rows('unfinished').some((row) => row.promises > 2000);
until(() => sampled() && rows('serial').filter(whole).length > 2).then(() => process.exit(0));
`;
    await lab.run(lab.file('app.js', text), { env: { EVDIAG_LEVEL: 'diagnose' } });
    const entries = rowsOf(lab.recording(), 'serial').flatMap((row) => row.entries);
    const steps = entries.filter(({ location }) => location.function === 'list').flatMap((entry) => entry.steps);
    expect(new Set(steps.map(({ location }) => location.line))).toEqual(new Set([lineOf(text, '// waits')]));
    // No call has more: those of several were not mixed up.
    expect(Math.max(...steps.map(({ longest }) => longest.count))).toBeLessThanOrEqual(10);
  }),
);
