import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readFamily } from '../../../src/recording/reader.ts';
import { onTerminal, type TerminalOptions } from '../../support/pty.ts';
import { tempFolder } from '../../support/recording.ts';
import { AGENT_CJS, inLab } from '../../support/run-agent.ts';

/** A cluster of two, whose members block now and then. */
const CLUSTER = `
const cluster = require('node:cluster');
function block() {
  for (let n = 0, start = process.cpuUsage(); process.cpuUsage(start).user < 250e3; ) while (++n % 1e6);
}
if (cluster.isPrimary) {
  cluster.fork();
  cluster.fork();
} else {
  require('node:http').createServer().listen(0);
  setInterval(block, 900);
}
`;

/** A folder with the program in which nobody else's processes are listed. */
function place(): TerminalOptions & { cwd: string; env: Record<string, string> } {
  const cwd = tempFolder({
    'app.cjs': CLUSTER,
    'package.json': '{"name":"app","scripts":{"start":"node app.cjs"}}',
    'run/.keep': '',
    'tmp/.keep': '',
  });
  return { cwd, env: { XDG_RUNTIME_DIR: join(cwd, 'run'), TMPDIR: join(cwd, 'tmp') } };
}

describe('a family of processes', () => {
  test('run --tui -- npm start shows the program, not npm; all members are listed and can be shown', async () => {
    const options = place();
    await onTerminal(
      ['run', '--tui', '--', 'npm', 'start'],
      async (terminal) => {
        await terminal.until(/● live node app\.cjs/);
        terminal.type('7');
        // npm, the primary, and below it two members.
        await terminal.until(/ {3}pid \d+ .*npm.*\n ● {3}pid \d+ .*app\.cjs\n {7}pid \d+ .*app\.cjs\n {7}pid \d+ /);
        terminal.type('2');
        // On a busy host the primary's start may be a stall as well.
        await terminal.until(/No stall|module-load|host/);
        terminal.type('>');
        await terminal.until(/js-cpu .*block app\.cjs:4/);
        terminal.type('7', '/', ...'npm', '\r', '\r');
        await terminal.until(/● live (npm|node .*npm)/);
        terminal.type('q');
        expect(await terminal.exit).toMatchObject({ exitCode: 0 });
      },
      { ...options, columns: 120 },
    );
    expect(readFamily(join(options.cwd, '.evdiag')).recordings.length).toBeGreaterThanOrEqual(4);
  });

  test(
    'top shows a member with the others, goes on when one ends, and ends with the last',
    inLab(async (lab) => {
      const { cwd, env } = place();
      const program = lab.start(lab.file('app.cjs', CLUSTER), { node: ['-r', AGENT_CJS], env });
      const sockets = (): number[] =>
        readdirSync(join(cwd, 'run'), { recursive: true })
          .flatMap((file) => /(\d+)\.sock$/.exec(String(file))?.[1] ?? [])
          .map(Number);
      await expect.poll(() => sockets().length, { timeout: 60_000 }).toBe(3);
      const [member] = sockets().filter((pid) => pid !== program.pid);
      await onTerminal(
        ['top', String(member)],
        async (terminal) => {
          await terminal.until(new RegExp(`main thread of pid ${member}`));
          terminal.type('7');
          await terminal.until(/pid \d+ .*\n.*pid \d+ .*\n.*pid \d+ /);
          process.kill(member!, 'SIGKILL');
          await terminal.until('● live');
          terminal.type('<');
          await terminal.until(/main thread of pid/);
          process.kill(program.pid, 'SIGTERM');
          await terminal.until('■ ended');
          terminal.type('q');
          expect(await terminal.exit).toMatchObject({ exitCode: 0 });
        },
        { cwd, env, columns: 160 },
      );
    }),
  );
});
