import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { hungStorageProblem, mountHung } from '../support/hung-storage.ts';
import { inLab, type Lab } from '../support/run-agent.ts';

const why = hungStorageProblem();
const TOLD = 'storage does not answer; the last rows of the recording are not written';

const inLabWithHungStorage = (body: (lab: Lab, hung: string) => Promise<void>) =>
  inLab(async (lab) => {
    const hung = join(lab.folder, 'hung');
    const unmount = mountHung(hung);
    try {
      await body(lab, hung);
    } finally {
      unmount();
    }
  });

const LATER = 400;
const WAYS: Record<string, string> = {
  'ends by itself': `setTimeout(() => { process.exitCode = 7; }, ${LATER});`,
  'ends at once': `console.log('short');`,
  'calls process.exit': `setTimeout(() => process.exit(7), ${LATER});`,
  'calls process.reallyExit': `setTimeout(() => process.reallyExit(7), ${LATER});`,
  'fails with an exception': `setTimeout(() => { throw new Error('no good'); }, ${LATER});`,
  'fails with a rejection': `setTimeout(() => { Promise.reject(new Error('no good')); }, ${LATER});`,
  'fails in its listener of exit': `
process.on('exit', () => { Error.stackTraceLimit = 0; throw new Error('late'); });
setTimeout(() => {}, ${LATER});`,
  'changes its exit code in the last listener': `
process.on('exit', () => { for (const end = Date.now() + 1000; Date.now() < end; ); process.exitCode = 9; });
setTimeout(() => {}, ${LATER});`,
  'gets SIGTERM': `setTimeout(() => process.kill(process.pid, 'SIGTERM'), ${LATER}); setInterval(() => {}, 1000);`,
  'handles SIGTERM': `
process.on('SIGTERM', () => { console.log('closing'); process.exit(3); });
setTimeout(() => process.kill(process.pid, 'SIGTERM'), ${LATER}); setInterval(() => {}, 1000);`,
};

describe
  .skipIf(why !== null)
  .concurrent(`storage that does not answer${why ? ` (${why})` : ''}: the program ends as without the agent`, () => {
    for (const [way, text] of Object.entries(WAYS)) {
      it(
        `that ${way}`,
        inLabWithHungStorage(async (lab, hung) => {
          const program = `process.on('exit', (code) => console.log('exit', code)); ${text}`;
          const run = await lab.expectSame(lab.file('app.js', program), { env: { EVDIAG_OUT: join(hung, 'out') } });
          expect(run.said.filter((line) => line !== TOLD)).toEqual([]);
        }),
      );
    }

    /** The recording is removed, and its folder leads to where nobody answers, before the next row is written. */
    const HANGS_LATER = (end: string, afterMs = 2500): string => `
const fs = require('node:fs');
setInterval(() => {}, 500).unref();
(async () => {
  const { EVDIAG_FAMILY, HUNG } = process.env;
  const folder = EVDIAG_FAMILY + '/main-' + process.pid;
  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  while (EVDIAG_FAMILY && !fs.existsSync(folder + '/recording.ndjson')) await pause(20);
  if (EVDIAG_FAMILY) {
    fs.renameSync(folder, folder + '.away');
    fs.symlinkSync(HUNG, folder);
    fs.rmSync(folder + '.away', { recursive: true });
  }
  await pause(${afterMs});
  ${end}
})();
`;
    for (const [way, end] of [
      ['ends by itself', ''],
      ['gets SIGTERM', `process.kill(process.pid, 'SIGTERM'); setInterval(() => {}, 1000);`],
    ] as const) {
      it(
        `that ${way}, where it answered at first`,
        inLabWithHungStorage(async (lab, hung) => {
          const file = lab.file('app.js', HANGS_LATER(end));
          const env = { HUNG: hung };
          const [without, observed] = await Promise.all([lab.run(file, { node: [], env }), lab.run(file, { env })]);
          // Node's word about the session of the watchdog, which cannot leave it.
          const own = observed.ownStderr.replace('Waiting for the debugger to disconnect...\n', '');
          const { stdout, exitCode, signal, ownStderr } = without;
          expect({ ...observed, ownStderr: own }).toMatchObject({ stdout, exitCode, signal, ownStderr });
        }),
      );
    }

    for (const signal of ['SIGTERM', 'SIGINT']) {
      it(
        `that gets ${signal} at the moment at which it begins to hang`,
        inLabWithHungStorage(async (lab, hung) => {
          const end = `process.kill(process.pid, '${signal}'); setInterval(() => {}, 1000);`;
          const run = await lab.run(lab.file('app.js', HANGS_LATER(end, 0)), { env: { HUNG: hung } });
          expect(run).toMatchObject({ signal });
        }),
      );
    }

    const blockedAt = (folder: string): string =>
      `new Function('const end = Date.now() + 400; while (Date.now() < end);\\n//# sourceURL=${folder}/app.js')();`;
    const PLACES: [
      what: string,
      env: (hung: string, out: string) => Record<string, string>,
      begin: (hung: string) => string,
    ][] = [
      ['its socket', (hung, out) => ({ EVDIAG_OUT: out, XDG_RUNTIME_DIR: hung, TMPDIR: hung }), () => ''],
      ['what runs', (_, out) => ({ EVDIAG_OUT: out }), blockedAt],
    ];
    for (const [what, env, begin] of PLACES) {
      for (const [way, end] of [
        ['ends by itself', ''],
        ['gets SIGTERM', `process.kill(process.pid, 'SIGTERM'); setInterval(() => {}, 1000);`],
        ['gets SIGINT', `process.kill(process.pid, 'SIGINT'); setInterval(() => {}, 1000);`],
      ] as const) {
        it(
          `that ${way}, where ${what} is there`,
          inLabWithHungStorage(async (lab, hung) => {
            const file = lab.file('app.js', `${begin(hung)} setTimeout(() => { ${end} }, ${LATER});`);
            const there = env(hung, join(lab.folder, 'out'));
            const [without, observed] = await Promise.all([lab.run(file, { node: [] }), lab.run(file, { env: there })]);
            const { stdout, exitCode, signal } = without;
            expect(observed).toMatchObject({ stdout, exitCode, signal });
          }),
        );
      }
    }
  });
