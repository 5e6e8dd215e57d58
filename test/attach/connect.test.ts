import { afterEach, beforeEach, expect, test } from 'vitest';
import { type AnyMethod, RequestError } from '../../agents/watchdog/socket/methods/types.ts';
import { LiveSocket } from '../../agents/watchdog/socket/socket.ts';
import { type Connection, connect } from '../../src/attach/connect.ts';
import { PROTOCOL } from '../../src/protocol/hello.ts';
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
async function connected(methods: Record<string, AnyMethod>): Promise<Connection> {
  const hello = () => ({ protocol: PROTOCOL, pid, evdiagVersion: '0', threads: [0] });
  server = new LiveSocket({
    folders: candidateFolders(pid),
    pid,
    methods: { hello, ...methods },
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

test('a process without the agent is no target', async () => {
  await expect(connect(2_147_483_646)).rejects.toMatchObject({ code: 'no-target', exitCode: 3 });
});
