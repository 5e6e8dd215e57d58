/** Healthy programs that hardly get a core: nothing is their fault. And a sick one, which still is. */
import { describe, expect, test } from 'vitest';
import { rowsOf } from '../../src/recording/types.ts';
import { cpuLimit, whyNoCpuLimit } from '../support/cgroup.ts';
import { burnersBeside, expectSilence, type Hardship } from '../support/healthy.ts';
import { inLab, SPIN } from '../support/run-agent.ts';
import { programs } from './programs.ts';

/** How often each is run. */
const ROUNDS = Number(process.env.STARVED_ROUNDS ?? 1);
const BURNERS = 4;
const CORES = 0.2;
const rounds = Array.from({ length: ROUNDS }, (_, i) => i + 1);

const patience = { atLeast: 1, hangMs: 170_000, limitMs: 1_500_000 };
const sharedCores: Hardship = { ...patience, place: () => ({ under: [], remove() {} }) };
const partOfACore: Hardship = { ...patience, place: () => cpuLimit(CORES) };

describe('beside four busy processes', () => {
  burnersBeside(BURNERS);
  for (const round of rounds) describe(`round ${round}`, () => expectSilence(programs, sharedCores));
  sickOne('beside four busy processes', sharedCores);
});

const why = whyNoCpuLimit();
describe.skipIf(why !== null)(`in a container with ${CORES} of a core${why ? ` (${why})` : ''}`, () => {
  for (const round of rounds) describe(`round ${round}`, () => expectSilence(programs, partOfACore));
  sickOne('in a container', partOfACore);
});

describe.skipIf(why !== null)('the limit of a container', () => {
  test(
    'is in the recording, and how long it held the program back',
    inLab(async (lab) => {
      const { under, remove } = cpuLimit(CORES);
      try {
        await lab.run(lab.file('sick.js', SICK), { under, hangMs: patience.hangMs });
      } finally {
        remove();
      }
      const recording = lab.recording();
      expect(recording.header.containerCpus).toBeCloseTo(CORES);
      const throttled = rowsOf(recording, 'cpu').map(({ throttledMs = 0 }) => throttledMs);
      expect(Math.max(...throttled)).toBeGreaterThan(0);
    }),
    patience.limitMs,
  );
});

/** A loop of 400 ms of CPU time, four times, while a server and timers wait. */
const SICK = `
${SPIN}
require('node:http').createServer((request, response) => response.end()).listen(0);
const timer = setInterval(() => {}, 50);
let turns = 0;
setTimeout(function sick() {
  spin(400);
  if (++turns < 4) setTimeout(sick, 500);
  else process.exit();
}, 1500);
`;

function sickOne(where: string, hardship: Hardship): void {
  test(
    `what really computes is told: ${where}`,
    inLab(async (lab) => {
      const { under, remove } = hardship.place();
      try {
        const run = await lab.run(lab.file('sick.js', SICK), { under, hangMs: hardship.hangMs });
        expect(run.exitCode).toBe(0);
      } finally {
        remove();
      }
      const alarms = (await lab.report()).findings.filter(({ severity }) => severity !== 'info');
      expect(alarms).toMatchObject([
        { rule: 'blocked-event-loop', kind: 'js-cpu', location: { file: `${lab.folder}/sick.js`, function: 'spin' } },
      ]);
    }),
    hardship.limitMs,
  );
}
