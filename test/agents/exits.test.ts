import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { rowsOf } from '../../src/recording/types.ts';
import { inLab, lineOf, SPIN, summaryCount } from '../support/run-agent.ts';

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

describe('the exit code is the host’s', () => {
  it(
    'process.exit(3) in the middle of a block',
    inLab(async (lab) => {
      const text = `
${SPIN}
process.on('exit', (code) => console.log('exit', code));
function handler() {
  spin(700); // guilty
  process.exit(3);
}
setTimeout(() => { handler(); console.log('never'); }, 200);
`;
      const run = await lab.expectSame(lab.file('app.js', text));
      expect(run).toMatchObject({ stdout: 'exit 3\n', exitCode: 3, signal: null });
      expect(summaryCount(run)).toBe(1);
      const recording = lab.recording();
      expect(recording.rows.at(-1)).toMatchObject({ type: 'end', reason: 'exit', exitCode: 3 });
      // The stall never ended by itself; it is there all the same.
      expect(rowsOf(recording, 'stall').map(({ location }) => location?.file)).toContain(`${lab.folder}/app.js`);
    }),
  );

  it(
    'a program that terminates the agent’s thread is told so, and does not wait for it',
    inLab(async (lab) => {
      const text = `
process.once('worker', (worker) => setTimeout(() => worker.terminate(), 300));
setTimeout(() => { process.exitCode = 4; }, 1500);`;
      const run = await lab.expectSame(lab.file('app.js', text));
      expect(run.said.join('\n')).toMatch(/the watchdog stopped: it was terminated; the program goes on unobserved/);
    }),
  );

  it(
    'process.exitCode, set by a late exit listener',
    inLab(async (lab) => {
      const text = `setTimeout(() => process.on('exit', () => { process.exitCode = 9; }), 300);`;
      expect(await lab.expectSame(lab.file('app.js', text))).toMatchObject({ exitCode: 9 });
    }),
  );

  it(
    'an uncaught exception',
    inLab(async (lab) => {
      const text = `
${SPIN}
setTimeout(() => { spin(300); throw new TypeError('no good'); }, 200);
`;
      const run = await lab.expectSame(lab.file('app.js', text));
      expect(run.exitCode).toBe(1);
      expect(run.ownStderr).toContain('TypeError: no good');
      expect(summaryCount(run)).toBe(1);
    }),
  );

  it(
    'an uncaught exception at the first line, before the watchdog runs',
    inLab(async (lab) => {
      const run = await lab.expectSame(lab.file('app.js', `\nthrow new RangeError('at once');\n`));
      expect(run.exitCode).toBe(1);
    }),
  );

  it(
    'an exception that the host catches with uncaughtException',
    inLab(async (lab) => {
      const text = `
process.on('uncaughtException', (error) => { console.log('caught', error.message); setTimeout(() => process.exit(5), 100); });
setTimeout(() => { throw new Error('no good'); }, 300);
`;
      expect(await lab.expectSame(lab.file('app.js', text))).toMatchObject({ exitCode: 5, stdout: 'caught no good\n' });
    }),
  );

  it(
    'an unhandled rejection',
    inLab(async (lab) => {
      const text = `setTimeout(() => { Promise.reject(new Error('nobody cares')); }, 300);`;
      const run = await lab.expectSame(lab.file('app.js', text));
      expect(run.exitCode).toBe(1);
      expect(run.ownStderr).toContain('nobody cares');
    }),
  );

  it(
    'a promise that is never settled, awaited at the top level',
    inLab(async (lab) => {
      const run = await lab.expectSame(lab.file('app.mjs', `console.log('waiting'); await new Promise(() => {});`));
      expect(run.exitCode).toBe(13);
    }),
  );
});

describe('an end that Node does not announce', () => {
  // The watchdog's session is there when it comes: the loop is blocked.
  const program = (way: string): string => `
${SPIN}
setTimeout(() => { spin(300); ${way}; console.log('goes on'); spin(300); process.exit(5); }, 300);
`;

  it.each(['SIGHUP', 'SIGABRT', 'SIGUSR2', 'SIGWINCH'])(
    'a process that sends itself %s says no more on stderr than without, and goes on where that does not end it',
    (signal) =>
      inLab(async (lab) => {
        const app = lab.file('app.js', program(`process.kill(process.pid, '${signal}')`));
        const run = await lab.expectSame(app, { env: { EVDIAG_LEVEL: 'diagnose', EVDIAG_SLOW_MS: '20' } });
        const goesOn = signal === 'SIGWINCH';
        expect(run).toMatchObject(goesOn ? { exitCode: 5, stdout: 'goes on\n' } : { signal });
        if (!goesOn) return;
        // What blocked after it has a stack: the watchdog has connected again.
        const stalls = rowsOf(lab.recording(), 'stall');
        expect(stalls.map(({ location }) => location?.file)).toContain(app);
      })(),
  );

  it(
    'nor does one that becomes another program',
    inLab(async (lab) => {
      const way = "process.execve ? process.execve('/bin/echo', ['echo', 'another'], {}) : console.log('another')";
      const run = await lab.expectSame(lab.file('app.js', program(way)), { env: { EVDIAG_SLOW_MS: '20' } });
      expect(run.stdout).toMatch(/^another/);
    }),
  );
});

describe.each(SIGNALS)('%s', (signal) => {
  it(
    'ends an idle program by that signal, with a summary',
    inLab(async (lab) => {
      const app = lab.file('app.js', `setInterval(() => {}, 1e6); setTimeout(() => console.log('idle'), 300);`);
      const run = await lab.expectSame(app, {
        drive: async (program) => {
          await program.until('stdout', 'idle');
          await program.watched();
          program.kill(signal);
        },
      });
      expect(run).toMatchObject({ signal, exitCode: null });
      expect(summaryCount(run)).toBe(1);
      expect(lab.recording().rows.at(-1)).toMatchObject({ type: 'end', reason: 'signal', signal });
    }),
  );

  it(
    'ends an endless loop by that signal, with its place',
    inLab(async (lab) => {
      const text = `
const fs = require('node:fs');
function endless() {
  fs.writeSync(1, 'in the loop\\n');
  for (;;); // guilty
}
setTimeout(endless, 300);
`;
      const run = await lab.expectSame(lab.file('app.js', text), {
        drive: async (program) => {
          await program.until('stdout', 'in the loop');
          await program.watched();
          program.kill(signal);
        },
      });
      expect(run).toMatchObject({ signal, exitCode: null, stdout: 'in the loop\n' });
      expect(summaryCount(run)).toBe(1);
    }),
  );

  it(
    'ends a program whose start-up never ends',
    inLab(async (lab) => {
      const app = lab.file('app.js', `require('node:fs').writeSync(1, 'in the loop\\n'); for (;;);`);
      const run = await lab.expectSame(app, {
        drive: async (program) => {
          await program.until('stdout', 'in the loop');
          await program.watched();
          program.kill(signal);
        },
      });
      expect(run).toMatchObject({ signal, exitCode: null });
    }),
  );

  it(
    'is left to the handler of the program',
    inLab(async (lab) => {
      const text = `
const server = require('node:http').createServer().listen(0, () => setTimeout(() => console.log('serving'), 300));
process.on('${signal}', (name, number) => {
  console.log('closing on', name, number);
  server.close(() => setTimeout(() => { console.log('closed'); process.exit(0); }, 200));
});
`;
      const run = await lab.expectSame(lab.file('app.js', text), {
        drive: async (program) => {
          await program.until('stdout', 'serving');
          await program.watched();
          program.kill(signal);
        },
      });
      expect(run).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('closed\n') });
      expect(summaryCount(run)).toBe(1);
    }),
  );

  it(
    'is left to a once-handler; the second one ends the program',
    inLab(async (lab) => {
      const text = `
process.once('${signal}', () => console.log('first'));
setInterval(() => {}, 1e6);
setTimeout(() => console.log('ready'), 300);
`;
      const run = await lab.expectSame(lab.file('app.js', text), {
        drive: async (program) => {
          await program.until('stdout', 'ready');
          await program.watched();
          program.kill(signal);
          await program.until('stdout', 'first');
          program.kill(signal);
        },
      });
      expect(run).toMatchObject({ signal, stdout: 'ready\nfirst\n' });
    }),
  );
});

it(
  'SIGTERM just after a once-handler of SIGINT has run ends the program',
  inLab(async (lab) => {
    const text = `
process.once('SIGINT', () => { console.log('first'); process.kill(process.pid, 'SIGTERM'); });
setInterval(() => {}, 1e6);
setTimeout(() => process.kill(process.pid, 'SIGINT'), 400);
`;
    const run = await lab.expectSame(lab.file('app.js', text));
    expect(run).toMatchObject({ signal: 'SIGTERM', stdout: 'first\n' });
  }),
);

/** CPU time that a process has used, in ms; grows with the clock where the system does not tell. */
function cpuMsOf(pid: number): number {
  if (process.platform !== 'linux') return performance.now();
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

it(
  'SIGKILL in the middle of a block: the recording can be read, and the open stall is reported',
  inLab(async (lab) => {
    const text = `
function endless() {
  for (;;); // guilty
}
setTimeout(endless, 300);
`;
    const program = lab.start(lab.file('app.js', text));
    await program.until('stderr', 'event loop blocked');
    // A busy machine may have held it up until now: then it is the machine's.
    const before = cpuMsOf(program.pid);
    await expect.poll(() => cpuMsOf(program.pid) - before, { timeout: 60_000 }).toBeGreaterThan(1500);
    program.kill('SIGKILL');
    expect(await program.ended).toMatchObject({ signal: 'SIGKILL', stdout: '' });
    const { findings } = await lab.report();
    const place = { file: `${lab.folder}/app.js`, line: lineOf(text, '// guilty'), function: 'endless' };
    expect(findings[0]).toMatchObject({ rule: 'blocked-event-loop', kind: 'js-cpu', location: place });
  }),
);

describe('the program is not kept alive', () => {
  it(
    'when it ends at once',
    inLab(async (lab) => {
      const run = await lab.expectSame(lab.file('app.js', `console.log('hello'); process.exitCode = 2;`));
      expect(run).toMatchObject({ stdout: 'hello\n', exitCode: 2 });
    }),
  );

  it(
    'when it only has timers that do not count',
    inLab(async (lab) => {
      const text = `setTimeout(() => console.log('never'), 1e6).unref(); setInterval(() => {}, 10).unref();`;
      expect(await lab.expectSame(lab.file('app.js', text))).toMatchObject({ stdout: '', exitCode: 0 });
    }),
  );

  it(
    'when it only waits; and waiting is no finding',
    inLab(async (lab) => {
      const run = await lab.expectSame(lab.file('app.js', `setTimeout(() => console.log('done'), 1500);`));
      expect(run).toMatchObject({ stdout: 'done\n', exitCode: 0 });
      const { findings } = await lab.report();
      expect(findings.filter(({ severity }) => severity !== 'info')).toEqual([]);
    }),
  );

  it(
    'when beforeExit gives it more work, it runs as often as without',
    inLab(async (lab) => {
      const text = `
let rounds = 0;
process.on('beforeExit', () => { console.log('beforeExit', ++rounds); if (rounds < 3) setTimeout(() => {}, 150); });
`;
      const run = await lab.expectSame(lab.file('app.js', text));
      expect(run.stdout).toBe('beforeExit 1\nbeforeExit 2\nbeforeExit 3\n');
    }),
  );
});
