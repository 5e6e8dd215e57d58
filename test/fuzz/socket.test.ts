import { connect, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { LiveSocket } from '../../agents/watchdog/socket/socket.ts';
import { socketPath } from '../../src/util/run-folder.ts';
import { tempFolder } from '../support/recording.ts';
import { chance, mutatedBytes, mutatedJson } from './mutate.ts';

const SEED = Number(process.env.FUZZ_SEED ?? 1);
const INPUTS = 600;
/** No process has it. */
const PID = 2 ** 30;
const REQUEST = JSON.stringify({ id: 1, method: 'echo', params: { text: 'x', list: [1, { a: null }] } });

async function open(path: string): Promise<Socket> {
  for (;;) {
    const socket = connect(path);
    const isOpen = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    });
    socket.on('error', () => {});
    if (isOpen) return socket;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** The first line that comes; null where the connection ends before. */
function lineOf(socket: Socket): Promise<string | null> {
  return new Promise((resolve) => {
    let text = '';
    socket.setEncoding('utf8').on('data', (piece) => {
      text += piece;
      if (text.includes('\n')) resolve(text.slice(0, text.indexOf('\n')));
    });
    socket.once('close', () => resolve(null));
  });
}

test('the agent answers whoever sends nonsense, or leaves; the next one is served', async () => {
  const folder = tempFolder();
  const problems: string[] = [];
  const methods = { echo: (params: unknown) => params };
  const server = new LiveSocket({ folders: [folder], pid: PID, methods, onError: (message) => problems.push(message) });
  try {
    const path = socketPath(folder, PID);
    let served = 0;
    for (let seed = SEED; seed < SEED + INPUTS; seed++) {
      const random = chance(seed);
      const isValue = random.below(2) === 0;
      const line = isValue ? Buffer.from(mutatedJson(REQUEST, random)) : mutatedBytes(Buffer.from(REQUEST), random);
      const socket = await open(path);
      const answer = lineOf(socket);
      socket.end(Buffer.concat([line, Buffer.from(`\n${REQUEST}\n`)]));
      const text = await answer;
      socket.destroy();
      if (text === null) continue;
      expect(JSON.parse(text), `FUZZ_SEED=${seed}`).toHaveProperty('id');
      served++;
    }
    expect(served).toBeGreaterThan(INPUTS / 2);
    expect(problems).toEqual([]);
  } finally {
    server.close();
  }
});
