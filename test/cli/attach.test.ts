import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { attach } from '../../src/attach/attach.ts';
import { attachability } from '../../src/attach/attachable.ts';
import { openInspector } from '../../src/attach/inspector/inspector-client.ts';
import { wayTo } from '../../src/attach/inspector/streams.ts';
import { askToLeave } from '../../src/attach/leave.ts';
import { clusterWorkers } from '../../src/attach/process/cluster.ts';
import { listenersOf } from '../../src/attach/process/listeners.ts';
import { agentFolders } from '../../src/util/run-folder.ts';
import { evdiag } from '../support/dump.ts';
import { AGENT_CJS, inLab, TEST_NODE } from '../support/run-agent.ts';
import {
  ANY_PORT,
  caughtSignals,
  eventually,
  filesOf,
  startProgram,
  startServer,
  threadsOf,
} from '../support/unprepared.ts';
import { QUIET, visit } from '../support/visits.ts';

const ROUNDS = 10;
const isNode20 = (await runNode('--version')).startsWith('v20.');

async function runNode(...args: string[]): Promise<string> {
  const child = spawn(TEST_NODE, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  let text = '';
  child.stdout.on('data', (part) => {
    text += part;
  });
  await once(child, 'close');
  return text;
}

describe('a visit leaves nothing', () => {
  test(`${ROUNDS} times attach, dump, leave: descriptors, threads, listeners, built-ins, timers and signals are as before`, async () => {
    const server = await startServer();
    try {
      // The first one makes what Node keeps for good, such as threads of its own.
      await visit(server.pid);
      const { heapBytes: _, ...before } = await server.residue();
      const counts = () => [threadsOf(server.pid), filesOf(server.pid), caughtSignals(server.pid)];
      const countsBefore = counts();
      for (let round = 0; round < ROUNDS; round++) {
        const { dump, blocked, windowMs } = await server.alive(visit(server.pid));
        expect([dump.threads[0]!.problem, blocked]).toEqual([null, []]);
        expect(windowMs).toBeGreaterThan(0);
      }
      const { heapBytes: __, ...after } = await server.residue();
      expect(after).toEqual(before);
      expect([before.replaced, before.veiled, before.environment]).toEqual([[], false, []]);
      expect(counts()).toEqual(countsBefore);
      expect(listenersOf(server.pid)).toHaveLength(1);
      for (const folder of agentFolders(server.pid)) {
        if (existsSync(folder))
          expect(readdirSync(folder).filter((name) => name.includes(`${server.pid}`))).toEqual([]);
      }
      expect(server.stderr()).not.toContain('evdiag');
    } finally {
      server.kill();
    }
  });

  test('loaded while it is there, it can be loaded again once it has left', async () => {
    const server = await startServer();
    const request = { env: QUIET, aloneMs: null, forMs: null, record: false, timeoutMs: 30_000 };
    try {
      await visit(server.pid);
      const threads = threadsOf(server.pid);
      const first = await attach(server.pid, request);
      const second = await attach(server.pid, request);
      await askToLeave(second.connection);
      for (const { connection } of [first, second]) connection.close();
      await eventually(() => threadsOf(server.pid) <= threads);
      expect((await visit(server.pid)).blocked).toEqual([]);
      expect((await server.residue()).modules).toEqual([]);
    } finally {
      server.kill();
    }
  });

  test('it is not loaded while Node changes its queue of ticks, which would never be emptied again', async () => {
    // Without the compiler, most of the time goes there.
    const code = `
      setImmediate(function storm() { process.nextTick(() => {}); setImmediate(storm); });
      process.on('message', () => process.nextTick(() => process.send('ticked')));
      process.send('up');`;
    const child = spawn(TEST_NODE, ['--jitless', ANY_PORT, '-e', code], {
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      env: { PATH: process.env.PATH },
    });
    try {
      await once(child, 'message');
      for (let round = 0; round < ROUNDS; round++) {
        await visit(child.pid!);
        child.send('tick');
        expect(await once(child, 'message')).toEqual(['ticked', undefined]);
      }
    } finally {
      child.kill('SIGKILL');
    }
  });

  test('several at once: one loads it, all are answered, and it leaves after the last', async () => {
    const server = await startServer();
    try {
      await visit(server.pid);
      const threads = threadsOf(server.pid);
      const one = () => evdiag(['dump', String(server.pid), '--attach', '--quick', '--yes', '--json']);
      const runs = await Promise.all([one(), one(), one()]);
      for (const run of runs) expect(run.status, run.stderr).toBe(0);
      expect(runs.map(({ stdout }) => JSON.parse(stdout).threads.length)).toEqual([1, 1, 1]);
      await eventually(() => threadsOf(server.pid) <= threads);
      expect(listenersOf(server.pid)).toHaveLength(1);
      expect((await server.residue()).replaced).toEqual([]);
    } finally {
      server.kill();
    }
  }, 180_000);

  test('an agent whose visitor was killed leaves by itself', async () => {
    const server = await startServer();
    try {
      const threads = threadsOf(server.pid);
      const child = spawn(process.execPath, [
        'bin/evdiag.mjs',
        'profile',
        `${server.pid}`,
        '--attach',
        '-d',
        '60',
        '-o',
        '/dev/null',
        '--format',
        'cpuprofile',
      ]);
      let said = '';
      child.stderr.on('data', (text) => {
        said += text;
      });
      await eventually(() => said.includes('was loaded'));
      child.kill('SIGKILL');
      await eventually(() => threadsOf(server.pid) <= threads);
      expect((await server.residue()).replaced).toEqual([]);
    } finally {
      server.kill();
    }
  });
});

const WITH_WORKER = `
const { Worker } = require('node:worker_threads');
const worker = new Worker(\`
  const { parentPort } = require('node:worker_threads');
  const fs = require('node:fs');
  const functions = () => [fs.readFileSync, fs.writeFileSync, JSON.parse, setTimeout, setInterval, Date.prototype.toLocaleString, Atomics.wait];
  const before = functions();
  async function job() { await new Promise((resolve) => { globalThis.pending = resolve; }); }
  job();
  setInterval(function tick() {}, 50);
  parentPort.on('message', () => {
    const replaced = functions().filter((one, i) => one !== before[i]).length;
    parentPort.postMessage({ replaced, timers: process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length });
  });
\`, { eval: true });
worker.on('message', (counted) => console.log(JSON.stringify(counted)));
worker.on('online', () => { process.stdin.on('data', () => worker.postMessage(1)); setTimeout(() => console.log('ready'), 300); });
`;

test('a worker thread that ran before is dumped as well, and left as it was', async () => {
  const child = await startProgram(WITH_WORKER);
  try {
    const counted = async (): Promise<unknown> => {
      child.stdin!.write('\n');
      for (;;) {
        const [text] = (await once(child.stdout!, 'data')) as [string];
        if (text.startsWith('{')) return JSON.parse(text);
      }
    };
    const before = await counted();
    expect(before).toMatchObject({ replaced: 0 });
    const threads = threadsOf(child.pid!);
    const { dump } = await visit(child.pid!);
    expect(dump.threads.map(({ threadId }) => threadId)).toEqual([0, 1]);
    expect(JSON.stringify(dump.threads[1]!.suspended)).toContain('job');
    await eventually(() => threadsOf(child.pid!) <= threads);
    expect(await counted()).toEqual(before);
  } finally {
    child.kill('SIGKILL');
  }
});

test.each([['dump', '--quick'], ['leaks']])(
  '%s %s: without --yes nothing is loaded into a process with a large heap',
  async (...words) => {
    const child = await startProgram(
      'globalThis.kept = Array.from({ length: 3e5 }, (_, i) => ({ i })); setInterval(() => {}, 1e6)',
    );
    try {
      const threads = threadsOf(child.pid!);
      const [command, ...options] = words.filter((word) => word !== undefined);
      const run = await evdiag([command!, String(child.pid), '--attach', ...options]);
      expect([run.status, run.stdout]).toEqual([2, '']);
      expect(run.stderr).toMatch(/^evdiag: [^\n]* pauses process [^\n]*Add --yes[^\n]*\n$/);
      expect([threadsOf(child.pid!), listenersOf(child.pid!)]).toEqual([threads, []]);
    } finally {
      child.kill('SIGKILL');
    }
  },
);

describe('attach and detach', () => {
  test(
    'it stays, with its level and a recording, until it is taken away; twice is no harm',
    inLab(async ({ folder }) => {
      const server = await startServer();
      try {
        const pid = String(server.pid);
        const first = await evdiag(['attach', pid, '--level', 'diagnose', '--out', folder, '--json']);
        expect(first.status, first.stderr).toBe(0);
        expect(JSON.parse(first.stdout)).toMatchObject({
          pid: server.pid,
          isNew: true,
          level: 'diagnose',
          forMs: null,
        });
        const again = await evdiag(['attach', pid, '--json']);
        expect(JSON.parse(again.stdout)).toMatchObject({ isNew: false, level: 'watch' });
        const gone = await evdiag(['detach', pid, '--json']);
        const { blocked, recording } = JSON.parse(gone.stdout) as { blocked: number[]; recording: string };
        expect([gone.status, blocked]).toEqual([0, []]);
        const report = await evdiag(['report', recording, '--format', 'json']);
        expect(JSON.parse(report.stdout).recording.pid).toBe(server.pid);
        const third = await evdiag(['detach', pid]);
        expect([third.status, third.stderr]).toEqual([3, expect.stringContaining('runs without the agent')]);
      } finally {
        server.kill();
      }
    }),
  );

  test('--for takes it away by itself', async () => {
    const server = await startServer();
    try {
      const threads = threadsOf(server.pid);
      const run = await evdiag(['attach', String(server.pid), '--for', '300ms', '--no-record']);
      expect([run.status, run.stdout]).toEqual([0, '']);
      await eventually(() => threadsOf(server.pid) <= threads);
    } finally {
      server.kill();
    }
  });

  test.each([
    ['blocked in JavaScript', 'setTimeout(function spin() { for (;;); }, 50)', [ANY_PORT]],
    ['of ES modules only', 'await null; setInterval(() => {}, 1e6)', [ANY_PORT, '--input-type=module']],
  ])(
    'a program %s is dumped',
    async (_, code, options) => {
      const child = await startProgram(code, options);
      try {
        const run = await evdiag(['dump', String(child.pid), '--attach', '--quick', '--yes', '--json']);
        expect(run.status, run.stderr).toBe(0);
        const [main] = JSON.parse(run.stdout).threads;
        if (code.includes('spin')) expect(main.stack[0].function).toBe('spin');
        else expect(main.problem).toBe(null);
      } finally {
        child.kill('SIGKILL');
      }
    },
    300_000,
  );
});

/** Spins in JavaScript until the file is there; says when its loop has turned several times after that. */
const spinUntil = (file: string): string => `
setTimeout(() => {
  while (!require('fs').existsSync(${JSON.stringify(file)}));
  setTimeout(() => console.log('turned'), 100);
}, 50);
setInterval(() => {}, 1e6);
`;

/** Of the two workers one has lost Node's own handler. */
const CLUSTER_WORKER = `
const { worker } = require('node:cluster');
const nothing = () => {};
if (worker.id === 2) process.on('SIGUSR1', nothing).off('SIGUSR1', nothing);
setInterval(() => {}, 1e6);
process.send('up');
`;
const clusterOf = (exec: string): string => `
const cluster = require('node:cluster');
cluster.setupPrimary({ exec: ${JSON.stringify(exec)}, execArgv: [] });
let up = 0;
for (let i = 0; i < 2; i++) cluster.fork().on('message', () => ++up === 2 && console.log('ready'));
`;

/** What the command says of a process that it must leave alone. */
async function refusal(pid: number, ...more: string[]): Promise<string> {
  const run = await evdiag(['dump', String(pid), '--attach', ...more]);
  expect([run.status, run.stdout]).toEqual([3, '']);
  expect(run.stderr).toMatch(/^evdiag: [A-Z"].*[.]\n$/);
  return run.stderr;
}

describe('what cannot be attached to gets a sentence, no signal, and goes on', () => {
  test.each([
    ['handles SIGUSR1 itself', `process.on('SIGUSR1', () => process.exit(9)); setInterval(() => {}, 1e6)`],
    [
      'has no handler for SIGUSR1',
      `const f = () => {}; process.on('SIGUSR1', f).off('SIGUSR1', f); setInterval(() => {}, 1e6)`,
    ],
  ])('a program that %s', async (words, code) => {
    const child = await startProgram(code);
    try {
      expect(await refusal(child.pid!)).toContain(words);
      expect(await refusal(child.pid!, '--sigusr1')).toContain(words);
      expect([child.exitCode, child.signalCode]).toEqual([null, null]);
    } finally {
      child.kill('SIGKILL');
    }
  });

  test('other signals of its own are no obstacle', async () => {
    const code = `for (const s of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR2', 'SIGWINCH']) process.on(s, () => {}); setInterval(() => {}, 1e6)`;
    const child = await startProgram(code);
    try {
      expect(attachability(child.pid!)).toMatchObject({ obstacle: null, runtime: { kind: 'node' } });
    } finally {
      child.kill('SIGKILL');
    }
  });

  test('no Node.js at all', async () => {
    const child = spawn('sleep', ['100']);
    try {
      expect(await refusal(child.pid!)).toContain('is not a Node.js process');
      expect(child.signalCode).toBe(null);
    } finally {
      child.kill('SIGKILL');
    }
  });

  test('it has few files left, where Node would abort', async () => {
    const code = `
      const { openSync, closeSync } = require('node:fs');
      const held = [];
      try { for (;;) held.push(openSync('/dev/null')); } catch {}
      held.splice(-20).forEach((file) => closeSync(file));
      console.log('ready'); setInterval(() => {}, 1e6);`;
    const child = spawn('sh', ['-c', 'ulimit -n 100; exec "$@"', 'sh', TEST_NODE, ANY_PORT, '-e', code]);
    try {
      await once(child.stdout, 'data');
      expect(await refusal(child.pid!)).toMatch(/has \d+ files and sockets open and may have 100: too few are left/);
      expect([child.exitCode, child.signalCode]).toEqual([null, null]);
    } finally {
      child.kill('SIGKILL');
    }
  });

  test('its port is taken', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as { port: number };
    const child = await startProgram('setInterval(() => {}, 1e6)', [`--inspect-port=${port}`]);
    try {
      expect(await refusal(child.pid!)).toContain(
        `Port ${port}, on which process ${child.pid} would open its inspector, is taken`,
      );
    } finally {
      child.kill('SIGKILL');
      taken.close();
    }
  });

  test('it would open its port to others', async () => {
    const child = await startProgram('setInterval(() => {}, 1e6)', ['--inspect-port=0.0.0.0:0']);
    try {
      expect(await refusal(child.pid!)).toContain('evdiag uses loopback only');
    } finally {
      child.kill('SIGKILL');
    }
  });

  test('a debugger is connected; without one, an open inspector is used and stays open', async () => {
    const child = await startProgram('setInterval(() => {}, 1e6)', ['--inspect=0']);
    try {
      const [{ port }] = listenersOf(child.pid!) as unknown as [{ port: number }];
      const debugging = await openInspector(wayTo(child.pid!), port);
      expect(await refusal(child.pid!)).toContain(`A debugger is connected to process ${child.pid} (port ${port})`);
      debugging.close();
      await eventually(() => attachability(child.pid!).obstacle === null);
      const run = await evdiag(['dump', String(child.pid), '--attach', '--quick', '--yes']);
      expect([run.status, run.stderr]).toEqual([
        0,
        expect.stringContaining(`through its open inspector (port ${port})`),
      ]);
      expect(listenersOf(child.pid!)).toHaveLength(1);
    } finally {
      child.kill('SIGKILL');
    }
  });

  test.runIf(isNode20)('the permission model (Node 20)', async () => {
    const child = await startProgram('setInterval(() => {}, 1e6)', ['--experimental-permission', '--allow-fs-read=*']);
    try {
      expect(await refusal(child.pid!)).toContain('permission model');
    } finally {
      child.kill('SIGKILL');
    }
  });

  test.skipIf(isNode20)('--disable-sigusr1, the permission model', async () => {
    const disabled = await startProgram('setInterval(() => {}, 1e6)', ['--disable-sigusr1']);
    const permitted = await startProgram('setInterval(() => {}, 1e6)', ['--permission', '--allow-fs-read=*']);
    try {
      expect(await refusal(disabled.pid!)).toContain('--disable-sigusr1');
      expect(await refusal(permitted.pid!)).toContain('permission model');
    } finally {
      disabled.kill('SIGKILL');
      permitted.kill('SIGKILL');
    }
  });

  test('it is stopped, or a zombie', async () => {
    const child = await startProgram('setInterval(() => {}, 1e6)');
    // Its parent never asks for its exit code.
    const parent = spawn('sh', ['-c', 'sleep 0 & echo $!; exec sleep 100'], { stdio: ['ignore', 'pipe', 'ignore'] });
    try {
      child.kill('SIGSTOP');
      await eventually(() => attachability(child.pid!).obstacle === 'stopped');
      expect(await refusal(child.pid!)).toContain(`kill -CONT ${child.pid}`);
      const [text] = (await once(parent.stdout, 'data')) as [Buffer];
      const zombie = Number(text.toString());
      await eventually(() => attachability(zombie).obstacle === 'stopped');
      expect(await refusal(zombie)).toContain('a zombie');
    } finally {
      child.kill('SIGKILL');
      parent.kill('SIGKILL');
    }
  });

  test(
    'its main thread stays inside a native call: evdiag gives up, and the inspector is closed when the call returns',
    inLab(async ({ folder }) => {
      // The call returns when the test has written.
      const fifo = join(folder, 'fifo');
      expect(spawnSync('mkfifo', [fifo]).status).toBe(0);
      const child = await startProgram(
        `setTimeout(() => { require('fs').readFileSync(${JSON.stringify(fifo)}); console.log('returned'); }, 50); setInterval(() => {}, 1e6)`,
      );
      let said = '';
      child.stdout!.on('data', (text) => {
        said += text;
      });
      let printed = '';
      child.stderr!.on('data', (text) => {
        printed += text;
      });
      try {
        const run = await evdiag(['attach', String(child.pid), '--timeout', '0.3', '--no-record']);
        expect([run.status, run.stdout]).toEqual([3, '']);
        expect(run.stderr).toContain('inside a native call');
        expect(run.stderr).toContain('Nothing was loaded');
        writeFileSync(fifo, '');
        await eventually(() => said.includes('returned') && printed.includes('Debugger listening'));
        await eventually(() => listenersOf(child.pid!).length === 0);
        expect([child.exitCode, child.signalCode]).toEqual([null, null]);
      } finally {
        child.kill('SIGKILL');
      }
    }),
  );

  test(
    'the primary of a cluster: Node would pass the signal on to its workers, of which one would end',
    inLab(async (lab) => {
      const child = await startProgram(clusterOf(lab.file('worker.cjs', CLUSTER_WORKER)));
      try {
        const workers = clusterWorkers(child.pid!);
        expect(workers).toHaveLength(2);
        expect(await refusal(child.pid!)).toContain('is the primary of a cluster');
        expect(attachability(child.pid!).obstacle).toBe('cluster-primary');
        expect(workers.map((pid) => attachability(pid).obstacle).sort()).toEqual(['no-handler', null]);
        expect([clusterWorkers(child.pid!), workers.flatMap((pid) => listenersOf(pid))]).toEqual([workers, []]);
      } finally {
        child.kill('SIGKILL');
      }
    }),
  );

  test(
    'a program from a snapshot, in which Node would abort (22 to 26): neither attached to nor observed from the start, and it lives',
    inLab(async (lab) => {
      const entry = lab.file(
        'entry.js',
        `require('v8').startupSnapshot.setDeserializeMainFunction(() => { setInterval(() => {}, 1e6); setTimeout(() => console.log('ready'), 500); });`,
      );
      const blob = join(lab.folder, 'app.blob');
      await runNode('--snapshot-blob', blob, '--build-snapshot', entry);
      expect(existsSync(blob)).toBe(true);
      for (const preload of [[], ['-r', AGENT_CJS]]) {
        const child = spawn(TEST_NODE, [...preload, ANY_PORT, '--snapshot-blob', blob], {
          env: { PATH: process.env.PATH, EVDIAG_OUT: lab.out },
        });
        try {
          await once(child.stdout, 'data');
          const run = await evdiag(['dump', String(child.pid), '--attach', '--quick', '--yes']);
          if (isNode20) expect(run.status, run.stderr).toBe(0);
          else expect([run.status, run.stderr]).toEqual([3, expect.stringContaining('was started from a snapshot')]);
          expect([child.exitCode, child.signalCode]).toEqual([null, null]);
        } finally {
          child.kill('SIGKILL');
        }
      }
    }),
  );

  test('it ends while it is asked', async () => {
    const child = await startProgram(
      `require('child_process'); setTimeout(() => { const end = Date.now() + 1500; while (Date.now() < end) require('fs').readFileSync('/proc/self/stat'); process.exit(); }, 10)`,
    );
    const run = await evdiag([
      'profile',
      String(child.pid),
      '--attach',
      '-d',
      '60',
      '-o',
      '/dev/null',
      '--format',
      'cpuprofile',
    ]);
    expect(run.status, run.stderr).toBe(3);
    expect(run.stderr).toMatch(/There is no process|ended|zombie/);
    expect(run.stderr).not.toContain('bug in evdiag');
  });
});

describe('the inspector does not stay open', () => {
  test(
    'where the program was blocked, and Node opens it once more when the loop turns',
    inLab(async (lab) => {
      const child = await startProgram(spinUntil(join(lab.folder, 'go')));
      let said = '';
      child.stdout!.on('data', (text) => {
        said += text;
      });
      try {
        const run = await evdiag(['attach', String(child.pid), '--no-record', '--json']);
        expect(run.status, run.stderr).toBe(0);
        const { windowMs, port } = JSON.parse(run.stdout) as { windowMs: number; port: number };
        expect([windowMs > 0, port > 0, said]).toEqual([true, true, '']);
        lab.file('go', '');
        await eventually(() => said.includes('turned'));
        await eventually(() => listenersOf(child.pid!).length === 0);
      } finally {
        child.kill('SIGKILL');
      }
    }),
  );

  test('where evdiag is killed in between', async () => {
    // The inspector opens between two native calls, and nothing is evaluated during the second one.
    const child = await startProgram(
      `setTimeout(() => { for (;;) require('child_process').execFileSync('sleep', ['3']); }, 50)`,
    );
    let printed = '';
    child.stderr!.on('data', (text) => {
      printed += text;
    });
    const visitor = spawn(process.execPath, [
      'bin/evdiag.mjs',
      'dump',
      String(child.pid),
      '--attach',
      '--quick',
      '--yes',
    ]);
    try {
      await eventually(() => printed.includes('Debugger listening'));
      visitor.kill('SIGKILL');
      await once(visitor, 'exit');
      await eventually(() => listenersOf(child.pid!).length === 0);
      expect([child.exitCode, child.signalCode]).toEqual([null, null]);
    } finally {
      visitor.kill('SIGKILL');
      child.kill('SIGKILL');
    }
  });
});

describe('bad usage', () => {
  test.each([
    ['attach', 'x'],
    ['attach', '0'],
    ['attach', '1', '--for', 'soon'],
    ['attach', '1', '--for', '0s'],
    ['attach', '1', '--level', 'deep'],
    ['attach', '1', '--timeout', '-1'],
    ['detach', '1.5'],
    ['detach'],
    ['attach', '1', '--what'],
  ])('%s %s %s %s', async (...args) => {
    const run = await evdiag(args.filter((one) => one !== undefined));
    expect([run.status, run.stdout]).toEqual([2, '']);
    expect(run.stderr).toMatch(/^evdiag: [A-Z"].*\n$/);
  });
});
