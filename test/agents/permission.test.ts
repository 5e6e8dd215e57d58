import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { rowsOf } from '../../src/recording/types.ts';
import { AGENT_CJS, inLab, ROOT, SPIN, TEST_NODE } from '../support/run-agent.ts';

const major = Number(execFileSync(TEST_NODE, ['-p', 'process.versions.node'], { encoding: 'utf8' }).split('.')[0]);
const FLAG = major >= 24 ? '--permission' : '--experimental-permission';

it(
  'under the permission model without --allow-worker it says so in one line and stays away',
  inLab(async (lab) => {
    const app = lab.file('app.js', `setTimeout(() => { console.log('done'); process.exitCode = 6; }, 100);`);
    const allowed = [FLAG, `--allow-fs-read=${lab.folder}/*`, `--allow-fs-read=${ROOT}/*`];
    const run = await lab.expectSame(app, { plain: allowed, node: [...allowed, '-r', AGENT_CJS] });
    expect(run.said).toEqual([expect.stringMatching(/^not observing: the permission model forbids worker threads/)]);
    expect(run).toMatchObject({ stdout: 'done\n', exitCode: 6 });
    expect(lab.recordings()).toEqual([]);
  }),
);

it(
  'under the permission model with all it needs it observes',
  inLab(async (lab) => {
    const app = lab.file('app.js', `setTimeout(() => console.log('done'), 400);`);
    const allowed = [FLAG, '--allow-fs-read=*'];
    const more = ['--allow-worker', '--allow-fs-write=*', '-r', AGENT_CJS];
    await lab.expectSame(app, { plain: [...allowed, ...more.slice(0, 2)], node: [...allowed, ...more] });
    expect(lab.recording().rows.at(-1)).toMatchObject({ type: 'end', exitCode: 0 });
  }),
);

it(
  'under the permission model, a stall is told without its stack: asking for one would end the process',
  inLab(async (lab) => {
    const text = `${SPIN}\nsetTimeout(() => { spin(300); console.log('done'); }, 300);`;
    const allowed = [FLAG, '--allow-fs-read=*'];
    const more = ['--allow-worker', '--allow-fs-write=*', '-r', AGENT_CJS];
    const app = lab.file('app.js', text);
    const run = await lab.expectSame(app, { plain: [...allowed, ...more.slice(0, 2)], node: [...allowed, ...more] });
    expect(run.said.filter((line) => line.startsWith('no stacks'))).toHaveLength(1);
    expect(rowsOf(lab.recording(), 'stall')).not.toEqual([]);
  }),
);
