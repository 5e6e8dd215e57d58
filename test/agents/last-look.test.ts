/** What is unfinished when a program is told to end is looked at once more, and what it does from then on is not judged. */
import { describe, expect, it } from 'vitest';
import { topLevelWait } from '../../src/detectors/top-level.ts';
import { periodsOf } from '../../src/detectors/unfinished.ts';
import { type Recording, rowsOf } from '../../src/recording/types.ts';
import { UNSETTLED_EXIT_CODE } from '../../src/util/exit-codes.ts';
import { inLab, type Lab, lineOf, type Run } from '../support/run-agent.ts';

const DIAGNOSE = { EVDIAG_LEVEL: 'diagnose' };

/** A call begins to wait between two readings, and the program is told to end. */
const PROGRAM = (how: string): string => `
async function wait() {
  await new Promise(() => {}); // waits
}
require('node:http').createServer().listen(0);
${how}
const begin = () => {
  wait();
  setTimeout(() => process.kill(process.pid, 'SIGTERM'), 50);
};
// Just after a reading: the next is a second away.
setTimeout(() => setInterval(begin, 1e6) && begin(), 1300);
`;

const waits = (recording: Recording, text: string): number[] => {
  const line = lineOf(text, '// waits');
  return rowsOf(recording, 'unfinished')
    .filter(({ entries }) => entries.some(({ what, location }) => what === 'await' && location?.line === line))
    .map(({ t }) => t);
};

async function end(lab: Lab, text: string): Promise<{ run: Run; recording: Recording }> {
  const run = await lab.expectSame(lab.file('app.js', text), { env: DIAGNOSE });
  return { run, recording: lab.recording() };
}

describe('what waits when SIGTERM comes is in the recording', () => {
  it.each([
    ['that the signal ends', '', { signal: 'SIGTERM' }],
    ['that exits when it hears it', `process.on('SIGTERM', () => process.exit(3));`, { exitCode: 3 }],
  ])('of a program %s', (_, how, ended) =>
    inLab(async (lab) => {
      const text = PROGRAM(how);
      const { run, recording } = await end(lab, text);
      expect(run).toMatchObject(ended);
      expect(waits(recording, text).length).toBeGreaterThan(0);
    })(),
  );

  it.each([
    ['exits later', `process.on('SIGTERM', () => setTimeout(() => process.exit(3), 500));`],
    ['raises it again', `process.once('SIGTERM', () => process.kill(process.pid, 'SIGTERM'));`],
  ])('of a program that handles it and %s, and it is judged by that', (_, how) =>
    inLab(async (lab) => {
      const text = PROGRAM(how);
      const { recording } = await end(lab, text);
      const [signal] = rowsOf(recording, 'signal');
      expect(signal).toMatchObject({ signal: 'SIGTERM' });
      expect(waits(recording, text).length).toBeGreaterThan(0);
      const judged = periodsOf(recording).flat();
      expect(judged.every(({ t }) => t < signal!.t + 501)).toBe(true);
    })(),
  );
});

it(
  'a second signal does not wait for the look',
  inLab(async (lab) => {
    const text = `
const { writeSync } = require('node:fs');
setInterval(() => {}, 1e6);
setTimeout(() => {
  writeSync(1, 'busy\\n');
  for (let i = 0; i < 3; i++) process.kill(process.pid, 'SIGTERM');
  for (const end = Date.now() + 60; Date.now() < end; );
}, 500);
`;
    const run = await lab.expectSame(lab.file('app.js', text), { env: DIAGNOSE });
    expect(run.signal).toBe('SIGTERM');
  }),
);

/** Two locks, taken in different order by two requests that meet; then nothing happens any more. */
const DEADLOCK = `
class Mutex {
  #held = false;
  #waiting = [];
  acquire() {
    if (this.#held) return new Promise((resolve) => this.#waiting.push(resolve));
    this.#held = true;
    return Promise.resolve();
  }
  release() {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#held = false;
  }
}
const giro = new Mutex();
const savings = new Mutex();
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
async function transfer() {
  await giro.acquire();
  await pause(20);
  await savings.acquire(); // guilty
  savings.release();
  giro.release();
}
async function audit() {
  await savings.acquire();
  await pause(20);
  await giro.acquire();
  giro.release();
  savings.release();
}
transfer();
audit();
transfer();
setInterval(() => {}, 1e6);
`;

/** Calls that wait by design, all the while: workers for jobs, long polls, connections for what may come, a loop for its time. */
const HEALTHY = `
const net = require('node:net');
const { once, EventEmitter } = require('node:events');
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const jobs = new EventEmitter();
async function take() {
  await once(jobs, 'job');
}
async function worker() {
  for (;;) await take();
}
for (let i = 0; i < 4; i++) worker();
const polls = [];
async function acquire() {
  await new Promise((resolve) => polls.push(resolve));
}
async function serve(socket) {
  await once(socket, 'data');
  await acquire();
  socket.end();
}
(async () => {
  for (;;) await pause(30000);
})();
const server = net.createServer(serve);
server.listen(0, () => {
  for (let i = 0; i < 3; i++) net.connect(server.address().port).on('error', () => {}).write('poll');
  net.connect(server.address().port).on('error', () => {});
});
`;

const FAR_MS = 120_000;
/** As in a program that is too busy to be followed all the time. */
const UNFOLLOWED = { EVDIAG_BUDGET: '0' };

describe.concurrent('a deadlock of which nothing was followed is told when the program ends, at level watch', () => {
  /** Until the first look into the heap has been followed by a second one. */
  const looked = (lab: Lab) => () => lab.recordings().some((recording) => rowsOf(recording, 'suspended').length > 0);

  it.each([
    ['by SIGTERM', '', 'SIGTERM'],
    ['by its own handler of SIGTERM', `process.on('SIGTERM', () => process.exit(0));`, 'SIGTERM'],
    ['by SIGINT', '', 'SIGINT'],
  ] as const)(
    '%s',
    (_, how, signal) =>
      inLab(async (lab) => {
        const app = lab.file('app.js', DEADLOCK + how);
        const run = await lab.run(app, {
          hangMs: FAR_MS,
          env: UNFOLLOWED,
          drive: async (program) => {
            await expect.poll(looked(lab), { timeout: FAR_MS }).toBe(true);
            program.kill(signal);
          },
        });
        const told = run.said.join('\n');
        expect(told).toContain('calls wait for each other');
        expect(told).toContain(`transfer (line ${lineOf(DEADLOCK, '// guilty')}) waits for savings.acquire()`);
      })(),
    FAR_MS,
  );

  it(
    'calls that wait by design are none',
    inLab(async (lab) => {
      const app = lab.file('app.js', HEALTHY);
      const begin = performance.now();
      const run = await lab.run(app, {
        hangMs: FAR_MS,
        env: UNFOLLOWED,
        drive: async (program) => {
          // On a starved host the thread may never seem to idle.
          const isOver = () => looked(lab)() || performance.now() - begin > 60_000;
          await expect.poll(isOver, { timeout: FAR_MS }).toBe(true);
          program.kill('SIGTERM');
        },
      });
      expect(run.said.filter((line) => /^(warning|critical)/.test(line))).toEqual([]);
      expect((await lab.report()).findings.filter(({ severity }) => severity !== 'info')).toEqual([]);
    }),
    FAR_MS,
  );
});

it(
  'a look that comes while something runs, as a sampler of ours may, is taken at the next turn',
  inLab(async (lab) => {
    const looks = `
setTimeout(() => evdiagAgent.lookBack(true), 300);
setInterval(() => evdiagAgent.lookBack(false), 200);
`;
    await lab.run(lab.file('app.js', DEADLOCK + looks), {
      hangMs: FAR_MS,
      env: UNFOLLOWED,
      drive: async (program) => {
        const rows = () => lab.recordings().flatMap((recording) => rowsOf(recording, 'suspended'));
        await expect.poll(() => rows().length, { timeout: FAR_MS }).toBeGreaterThan(3);
        program.kill('SIGKILL');
      },
    });
  }),
  FAR_MS,
);

describe('a program that ends while its top level waits', () => {
  const text = `
import { EventEmitter, once } from 'node:events';
const database = new EventEmitter();
async function connect() {
  await once(database, 'ready'); // waits
}
await connect(); // top
`;
  it(
    'is explained by what it waits for, however short it was',
    inLab(async (lab) => {
      const run = await lab.expectSame(lab.file('app.mjs', text));
      expect(run.exitCode).toBe(UNSETTLED_EXIT_CODE);
      const recording = lab.recording();
      expect(rowsOf(recording, 'end')).toMatchObject([{ exitCode: UNSETTLED_EXIT_CODE }]);
      const lines = topLevelWait(recording)?.path.map(({ line }) => line);
      expect(lines).toEqual([lineOf(text, '// waits'), lineOf(text, '// top')]);
    }),
  );

  it(
    'is not looked at where the program chose that exit code by itself',
    inLab(async (lab) => {
      const own = `setTimeout(() => process.exit(${UNSETTLED_EXIT_CODE}), 400);\nawait new Promise(() => {});\n`;
      const run = await lab.expectSame(lab.file('app.mjs', own));
      expect(run.exitCode).toBe(UNSETTLED_EXIT_CODE);
      expect(topLevelWait(lab.recording())).toBeNull();
    }),
  );
});
