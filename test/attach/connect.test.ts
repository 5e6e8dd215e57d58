import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type AnyMethod, RequestError } from '../../agents/watchdog/socket/methods/types.ts';
import { LiveSocket } from '../../agents/watchdog/socket/socket.ts';
import { type Connection, connect } from '../../src/attach/connect.ts';
import { takeDump } from '../../src/attach/take-dump.ts';
import { takeSnapshot } from '../../src/attach/take-snapshot.ts';
import { type Hello, PROTOCOL } from '../../src/protocol/hello.ts';
import type { MethodName } from '../../src/protocol/methods.ts';
import { candidateFolders } from '../../src/util/run-folder.ts';
import { tempFolder } from '../support/recording.ts';

const { pid } = process;
const { XDG_RUNTIME_DIR } = process.env;
let server: LiveSocket | null = null;

beforeEach(() => {
  process.env.XDG_RUNTIME_DIR = tempFolder();
});

afterEach(() => {
  server?.close();
  server = null;
  if (XDG_RUNTIME_DIR === undefined) delete process.env.XDG_RUNTIME_DIR;
  else process.env.XDG_RUNTIME_DIR = XDG_RUNTIME_DIR;
});

/** Connects to a socket of the agent's in this very process, which answers by these methods. */
async function connected(methods: Record<string, AnyMethod>, files?: Hello['files']): Promise<Connection> {
  const hello = (): Hello => ({
    protocol: PROTOCOL,
    pid,
    family: '/out/family',
    argv: ['app.js'],
    evdiagVersion: '0',
    nodeVersion: process.version,
    level: 'watch',
    uptimeMs: 1,
    threads: [0],
    ...(files && { files }),
  });
  server = new LiveSocket({
    folders: candidateFolders(pid),
    pid,
    methods: () => ({ hello, ...methods }),
    onError(message) {
      throw new Error(message);
    },
  });
  return connect(pid);
}

/** How that request fails. */
async function failure(connection: Connection, method: MethodName, timeoutMs = 30_000) {
  const error = await connection.request(method, {} as never, { timeoutMs }).catch((reason: unknown) => reason);
  connection.close();
  const { code, exitCode, message } = error as { code: string; exitCode: number; message: string };
  return { code, exitCode, message };
}

test('a request that is refused has the reason as a sentence', async () => {
  const connection = await connected({
    estimate: () => {
      throw new Error('not now');
    },
  });
  expect(await failure(connection, 'estimate')).toEqual({ code: 'refused', exitCode: 3, message: 'not now.' });
});

test('a reason that has a code keeps it', async () => {
  const connection = await connected({
    watch: () => {
      throw new RequestError('The viewer was too slow.', 'too-slow');
    },
  });
  expect(await failure(connection, 'watch')).toMatchObject({ code: 'too-slow', exitCode: 3 });
});

test('a reason with a code that nobody knows is a refusal', async () => {
  const connection = await connected({
    watch: () => {
      throw new RequestError('Something new.', 'unheard-of' as never);
    },
  });
  expect(await failure(connection, 'watch')).toMatchObject({ code: 'refused', message: 'Something new.' });
});

test('a method that an older agent does not have is refused', async () => {
  expect(await failure(await connected({}), 'snapshot')).toMatchObject({
    code: 'refused',
    message: 'There is no method "snapshot".',
  });
});

test('an answer that does not come in time, and a connection that ends, are told apart', async () => {
  const never = () => new Promise(() => {});
  const slow = await connected({ estimate: never });
  expect(await failure(slow, 'estimate', 50)).toMatchObject({ code: 'no-answer', exitCode: 3 });
  const cut = await connect(pid);
  const answer = failure(cut, 'estimate');
  server?.close();
  expect(await answer).toMatchObject({ code: 'ended', exitCode: 3 });
});

test.each<[MethodName, unknown]>([
  ['estimate', { threads: 'none', availableBytes: 1 }],
  ['estimate', null],
  ['snapshot', {}],
])('an answer to %s that is none of ours is refused: %j', async (method, answer) => {
  const connection = await connected({ [method]: () => answer });
  const { code, message } = await failure(connection, method);
  expect(code).toBe('refused');
  expect(message).toContain(`Process ${pid} answers "${method}" with something that evdiag does not understand`);
});

test.each<[MethodName, unknown]>([
  ['cpu-profile', { part: 'profile', threadId: -1, text: '' }],
  ['dump', { part: 'unheard-of', threadId: 0 }],
  ['estimate', { part: 'profile', threadId: 0, text: '' }],
])('a part of %s that is none of ours is refused: %j', async (method, part) => {
  const send: AnyMethod = async (_params, client) => {
    await client.part(part);
    return {};
  };
  const { code } = await failure(await connected({ [method]: send }), method);
  expect(code).toBe('refused');
});

test('files that the agent cannot have written are neither moved nor removed', async () => {
  const file = join(tempFolder({ 'precious.heapsnapshot': 'kept' }), 'precious.heapsnapshot');
  const files = { folders: [dirname(file)], prefix: '1-2-' };
  const connection = await connected({ snapshot: () => ({ file, takenAtMs: 1, pauseMs: 1 }) }, files);
  await expect(takeSnapshot(connection, join(tempFolder(), 'new.heapsnapshot'))).rejects.toMatchObject({
    code: 'refused',
  });
  connection.close();
  expect(readFileSync(file, 'utf8')).toBe('kept');
});

test('a process without the agent is no target', async () => {
  await expect(connect(2_147_483_646)).rejects.toMatchObject({ code: 'no-target', exitCode: 3 });
});

test('files that went with their process are no bug: it has ended', async () => {
  const folder = tempFolder();
  const name = join(folder, '1-2-dump1');
  const part = {
    threadId: 0,
    state: 'idle',
    stack: [],
    syncCall: null,
    timers: [],
    handles: [],
    more: 0,
    handleSites: [],
    problem: null,
  };
  const figures = { promises: 0, probed: 0, failed: 0, beyond: 0, pauseMs: 1, workMs: 1 };
  const files = { snapshot: `${name}.heapsnapshot`, index: `${name}.index` };
  const connection = await connected(
    {
      snapshot: () => ({ file: files.snapshot, takenAtMs: 1, pauseMs: 1 }),
      'loaded-maps': () => ({}),
      async dump(_params, client) {
        await client.part({ part: 'thread', ...part });
        await client.part({ part: 'inventory', threadId: 0, figures, files, problem: null });
        return {};
      },
    },
    { folders: [folder], prefix: '1-2-' },
  );
  const ended = { code: 'ended', exitCode: 3 };
  await expect(takeDump(connection, { mode: 'full' })).rejects.toMatchObject(ended);
  await expect(takeSnapshot(connection, join(folder, 'new'))).rejects.toMatchObject(ended);
  connection.close();
});
