import { describe, expect, it } from 'vitest';
import { complaints, filesUnder, inLab, SPIN } from '../support/run-agent.ts';

const PROGRAM = `
${SPIN}
setTimeout(() => { spin(150); console.log('done'); process.exitCode = 4; }, 200);
`;

const BAD = [
  { name: 'EVDIAG_LEVEL', value: 'loud', line: 'EVDIAG_LEVEL="loud" is not watch or diagnose; using watch' },
  {
    name: 'EVDIAG_SLOW_MS',
    value: 'soon',
    line: 'EVDIAG_SLOW_MS="soon" is not a number from 20 to 3600000; using 100',
  },
  { name: 'EVDIAG_SLOW_MS', value: '-1', line: 'EVDIAG_SLOW_MS="-1" is not a number from 20 to 3600000; using 100' },
  { name: 'EVDIAG_MAX_MB', value: '0', line: 'EVDIAG_MAX_MB="0" is not a number from 1 to 100000; using 64' },
  { name: 'EVDIAG_QUIET', value: 'perhaps', line: 'EVDIAG_QUIET="perhaps" is not 0 or 1; using 0' },
];

describe('a bad value is one line, and the default', () => {
  it.for(BAD)('$name=$value', ({ name, value, line }) =>
    inLab(async (lab) => {
      const run = await lab.expectSame(lab.file('app.js', PROGRAM), { env: { [name]: value } });
      expect(complaints(run)).toEqual([line]);
      expect(lab.recording().header).toMatchObject({ level: 'watch', slowMs: 100 });
      expect(lab.recording().rows).toContainEqual({ t: 0, type: 'agent-error', message: line });
    })(),
  );

  it(
    'several are one line each',
    inLab(async (lab) => {
      const env = Object.fromEntries(BAD.slice(2).map(({ name, value }) => [name, value]));
      const run = await lab.expectSame(lab.file('app.js', PROGRAM), { env: { ...env, EVDIAG_LEVEL: 'loud' } });
      expect(complaints(run).sort()).toEqual([BAD[0], ...BAD.slice(2)].map((bad) => bad!.line).sort());
    }),
  );
});

it(
  'EVDIAG_QUIET=1: nothing on stderr, bad values or not, and a recording all the same',
  inLab(async (lab) => {
    const text = PROGRAM.replace('spin(300)', 'spin(900)');
    const run = await lab.expectSame(lab.file('app.js', text), { env: { EVDIAG_QUIET: '1', EVDIAG_LEVEL: 'loud' } });
    expect(run.stderr).toBe('');
    expect(lab.recording().rows.map(({ type }) => type)).toContain('stall');
  }),
);

it(
  'a relative EVDIAG_OUT is taken from where the program starts, whatever it does to its working folder',
  inLab(async (lab) => {
    const text = `require('node:fs').mkdirSync('else'); process.chdir('else'); ${PROGRAM}`;
    await lab.run(lab.file('app.js', text), { env: { EVDIAG_OUT: 'here' } });
    expect(filesUnder(`${lab.folder}/here`).filter((file) => file.endsWith('recording.ndjson'))).toHaveLength(1);
    expect(filesUnder(`${lab.folder}/else`)).toEqual([]);
  }),
);
