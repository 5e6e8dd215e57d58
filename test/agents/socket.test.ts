import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { evdiag } from '../support/dump.ts';
import { AGENT_CJS, inLab, type Lab, type Program, type RunOptions } from '../support/run-agent.ts';

const LIVES = "console.log('ready'); process.once('SIGTERM', () => process.exit(5)); setInterval(() => {}, 1e6);";

/** A program whose socket is in `run/evdiag` of the lab, or else in `tmp`. */
function startProgram(lab: Lab, text = LIVES, options: RunOptions = {}): { program: Program; env: NodeJS.ProcessEnv } {
  const env = { XDG_RUNTIME_DIR: join(lab.folder, 'run'), TMPDIR: join(lab.folder, 'tmp'), ...options.env };
  for (const folder of ['run', 'tmp']) mkdirSync(join(lab.folder, folder), { recursive: true });
  return { program: lab.start(lab.file('app.cjs', text), { ...options, env }), env };
}

async function socketOf(lab: Lab, { pid }: Program, folder = 'run/evdiag'): Promise<string> {
  const path = join(lab.folder, folder, `${pid}.sock`);
  for (let i = 0; i < 400 && !existsSync(path); i++) await setTimeout(20);
  expect(existsSync(path), path).toBe(true);
  return path;
}

/** Sends lines and resolves with the first so many answers. */
async function ask(path: string, lines: readonly string[], answers = lines.length): Promise<Record<string, unknown>[]> {
  const socket = connect(path);
  await once(socket, 'connect');
  let text = '';
  socket.setEncoding('utf8').on('data', (more: unknown) => {
    text += String(more);
  });
  socket.write(`${lines.join('\n')}\n`);
  while (text.split('\n').length <= answers && !socket.destroyed) await setTimeout(10);
  socket.destroy();
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

const HELLO = JSON.stringify({ id: 1, method: 'hello' });

async function expectAlive(path: string, { pid }: Program): Promise<void> {
  expect(await ask(path, [HELLO])).toMatchObject([{ id: 1, result: { pid, protocol: 2 } }]);
}

async function endsWell(program: Program): Promise<void> {
  program.kill('SIGTERM');
  expect(await program.ended).toMatchObject({ exitCode: 5, ownStderr: '' });
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.on('error', () => {}).once('close', () => resolve()));
}

describe('the socket', () => {
  test(
    'is of its user alone, answers, and goes with the process',
    inLab(async (lab) => {
      const { program } = startProgram(lab, LIVES, { args: ['--token', 'hunter2'] });
      const path = await socketOf(lab, program);
      expect(statSync(path).mode & 0o777).toBe(0o600);
      expect(statSync(join(path, '..')).mode & 0o777).toBe(0o700);
      const [answer] = await ask(path, [HELLO]);
      expect(answer).toMatchObject({ result: { level: 'watch', threads: [0] } });
      expect(JSON.stringify(answer)).not.toContain('hunter2');
      await endsWell(program);
      expect(existsSync(path)).toBe(false);
    }),
  );

  test(
    'is not open in a folder that others can use: the next one is taken, or none',
    inLab(async (lab) => {
      const theirs = join(lab.folder, 'run/evdiag');
      mkdirSync(theirs, { recursive: true });
      chmodSync(theirs, 0o755);
      const { program, env } = startProgram(lab);
      const mine = await socketOf(lab, program, `tmp/evdiag-${process.getuid!()}`);
      await expectAlive(mine, program);
      expect(readdirSync(theirs)).toEqual([]);

      // A socket that somebody has put there instead is not spoken to.
      chmodSync(join(mine, '..'), 0o777);
      const refused = await evdiag(['dump', String(program.pid)], env);
      expect(refused).toMatchObject({ status: 3, stderr: expect.stringContaining('cannot be trusted') });
      await endsWell(program);
    }),
  );

  test.runIf(process.getuid?.() === 0)(
    'is not open in a folder of another user',
    inLab(async (lab) => {
      const theirs = join(lab.folder, 'run/evdiag');
      mkdirSync(theirs, { recursive: true, mode: 0o700 });
      chownSync(theirs, 12_345, 12_345);
      const { program } = startProgram(lab);
      await expectAlive(await socketOf(lab, program, `tmp/evdiag-${process.getuid!()}`), program);
      expect(readdirSync(theirs)).toEqual([]);
      await endsWell(program);
    }),
  );

  const NOWHERE: [string, Record<string, string>][] = [
    ['there is no folder for it', { XDG_RUNTIME_DIR: '', TMPDIR: '/no/such/folder' }],
    ['its path would be too long', { XDG_RUNTIME_DIR: '', TMPDIR: `/tmp/${'long/'.repeat(25)}` }],
  ];

  test.runIf(process.platform === 'linux').each(NOWHERE)('is in memory where %s', (_, env) =>
    inLab(async (lab) => {
      const { program } = startProgram(lab, LIVES, { env });
      await program.until('stdout', 'ready');
      const path = `/dev/shm/evdiag-${process.getuid!()}/${program.pid}.sock`;
      while (!existsSync(path)) await setTimeout(10);
      await expectAlive(path, program);
      expect((await evdiag(['dump', String(program.pid)], env)).status).toBe(0);
      program.kill('SIGTERM');
      const run = await program.ended;
      expect([run.exitCode, run.ownStderr, existsSync(path)]).toEqual([5, '', false]);
    })(),
  );

  test(
    'left by a killed process, it is removed',
    inLab(async (lab) => {
      const { program, env } = startProgram(lab);
      const path = await socketOf(lab, program);
      program.kill('SIGKILL');
      await program.ended;
      expect(existsSync(path)).toBe(true);
      const snapshot = join(path, '..', `${program.pid}-0-1.heapsnapshot`);
      writeFileSync(snapshot, 'secret');
      const kept = join(path, '..', 'notes.txt');
      writeFileSync(kept, 'not ours');
      expect(await evdiag(['dump', String(program.pid)], env)).toEqual({
        status: 3,
        stdout: '',
        stderr: `evdiag: There is no process ${program.pid}.\n`,
      });
      expect([path, snapshot, kept].map(existsSync)).toEqual([false, false, true]);
    }),
  );

  test(
    'of a process that is not seen here, as in another container, stays while somebody listens',
    inLab(async (lab) => {
      const { program, env } = startProgram(lab);
      const folder = join(await socketOf(lab, program), '..');
      // Numbers beyond the largest that Linux gives.
      const [alive, dead, snapshot] = ['4999998.sock', '4999999.sock', '4999998-1-heap1.heapsnapshot'].map((name) =>
        join(folder, name),
      ) as [string, string, string];
      const server = createServer(() => {}).listen(alive);
      await once(server, 'listening');
      writeFileSync(snapshot, 'being written');
      const killed = spawn(process.execPath, ['-e', `require('net').createServer().listen(${JSON.stringify(dead)})`]);
      while (!existsSync(dead)) await setTimeout(20);
      killed.kill('SIGKILL');
      await once(killed, 'exit');
      // Any command looks.
      expect((await evdiag(['dump', '4999997'], env)).status).toBe(3);
      expect([alive, dead, snapshot].map(existsSync)).toEqual([true, false, true]);
      server.close();
      await endsWell(program);
    }),
  );

  test(
    'that another process of the same number listens at is not taken from it',
    inLab(async (lab) => {
      const folder = join(lab.folder, 'run/evdiag');
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      // It stands for the process of another container: a preload is quicker than the agent.
      const other = lab.file(
        'other.cjs',
        `require('node:net').createServer((socket) => socket.on('error', () => {}).end('other')).listen(process.env.XDG_RUNTIME_DIR + '/evdiag/' + process.pid + '.sock');`,
      );
      const { program } = startProgram(lab, LIVES, { node: ['-r', other, '-r', AGENT_CJS] });
      const mine = await socketOf(lab, program, `tmp/evdiag-${process.getuid!()}`);
      await expectAlive(mine, program);
      const socket = connect(join(folder, `${program.pid}.sock`)).setEncoding('utf8');
      socket.on('error', () => {});
      expect(await new Promise((resolve) => socket.on('data', resolve).on('close', resolve))).toBe('other');
      program.kill('SIGKILL');
      await program.ended;
    }),
  );

  test(
    'is not locked by clients that ask nothing',
    inLab(async (lab) => {
      const { program, env } = startProgram(lab);
      const path = await socketOf(lab, program);
      const idle = Array.from({ length: 20 }, () => connect(path).on('error', () => {}));
      await Promise.all(idle.map((socket) => once(socket, 'connect')));
      const { status, stdout } = await evdiag(['dump', String(program.pid)], env);
      expect([status, stdout]).toEqual([0, expect.stringContaining(String(program.pid))]);
      for (const socket of idle) socket.destroy();
      await endsWell(program);
    }),
  );

  test(
    'whose process is killed while it writes a heap snapshot: nothing of it stays',
    inLab(async (lab) => {
      const large = `const kept = Array.from({ length: 1_500_000 }, (_, i) => ({ i, text: 'row ' + i }));\nglobalThis.kept = kept;`;
      const { program, env } = startProgram(lab, `${large}${LIVES}`);
      const folder = join(await socketOf(lab, program), '..');
      const snapshots = (): string[] =>
        [folder, join(lab.folder, `tmp/evdiag-${process.getuid!()}`)].flatMap((one) =>
          existsSync(one) ? readdirSync(one).filter((name) => name.endsWith('.heapsnapshot')) : [],
        );
      const answer = evdiag(['leaks', String(program.pid), '--yes', '--force'], env);
      while (snapshots().length === 0) await setTimeout(10);
      program.kill('SIGKILL');
      expect((await answer).status).toBe(3);
      expect(snapshots()).toEqual([]);
    }),
  );

  test(
    'each child process has its own',
    inLab(async (lab) => {
      const { program } = startProgram(
        lab,
        `
const cluster = require('node:cluster');
const { fork } = require('node:child_process');
setInterval(() => {}, 1e6);
if (cluster.isPrimary && process.argv[2] !== 'child') {
  const children = [fork(__filename, ['child']), cluster.fork().process];
  console.log('children ' + children.map((child) => child.pid).join(' ') + '.');
  process.once('SIGTERM', () => { for (const child of children) child.kill('SIGKILL'); process.exit(5); });
}
`,
      );
      await program.until('stdout', '.');
      const pids = program.stdout().match(/\d+/g)!.map(Number);
      expect(pids).toHaveLength(2);
      for (const pid of [program.pid, ...pids]) {
        const one = { ...program, pid } as Program;
        await expectAlive(await socketOf(lab, one), one);
      }
      await endsWell(program);
    }),
  );
});

describe('bad clients', () => {
  test(
    'garbage gets an error or is disconnected, and nobody else notices',
    inLab(async (lab) => {
      const { program } = startProgram(lab);
      const path = await socketOf(lab, program);
      const garbage = [
        '',
        'no json',
        'null',
        '[]',
        '{"id":{},"method":"hello"}',
        '{"id":1,"method":"constructor"}',
        '{"id":2,"method":"hello","params":3}',
      ];
      const answers = await ask(path, garbage, garbage.length - 1);
      expect(answers).toHaveLength(garbage.length - 1);
      for (const answer of answers) expect(answer).toMatchObject({ error: { message: expect.any(String) } });

      const long = connect(path);
      const gone = closed(long);
      long.resume().write('x'.repeat(200_000));
      await gone;
      const binary = connect(path);
      binary.resume().end(Buffer.from([0, 255, 10, 254, 10]));
      await closed(binary);
      await expectAlive(path, program);
      await endsWell(program);
    }),
  );

  test(
    'one that does not read is left',
    inLab(async (lab) => {
      const { program } = startProgram(lab, LIVES, { args: ['x'.repeat(8000)] });
      const path = await socketOf(lab, program);
      const slow = connect(path).pause();
      const gone = closed(slow);
      const many = `${HELLO}\n`.repeat(500);
      // 8 kB come back for each: far beyond what is kept for it.
      for (let i = 0; i < 200 && !slow.destroyed; i++) {
        if (!slow.write(many)) await Promise.race([once(slow, 'drain').catch(() => {}), gone]);
        await setTimeout(1);
      }
      slow.resume();
      await gone;
      await expectAlive(path, program);
      await endsWell(program);
    }),
  );

  test(
    'a dump whose client goes leaves no file and no work behind',
    inLab(async (lab) => {
      const { program } = startProgram(lab);
      const path = await socketOf(lab, program);
      const client = connect(path);
      await once(client, 'connect');
      client.write(`${JSON.stringify({ id: 1, method: 'dump', params: { mode: 'full' } })}\n`);
      await once(client, 'data');
      client.destroy();
      await expectAlive(path, program);
      // Dumps are taken in turn: this one begins when the other is over.
      const { status, stdout } = await evdiag(['dump', String(program.pid), '--yes', '--json'], {
        XDG_RUNTIME_DIR: join(lab.folder, 'run'),
      });
      expect([status, JSON.parse(stdout).mode]).toEqual([0, 'full']);
      for (let i = 0; i < 100 && readdirSync(join(path, '..')).length > 1; i++) await setTimeout(20);
      expect(readdirSync(join(path, '..'))).toEqual([`${program.pid}.sock`]);
      await endsWell(program);
    }),
  );
});
