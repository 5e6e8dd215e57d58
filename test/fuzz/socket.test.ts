import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { LiveSocket } from '../../agents/watchdog/socket/socket.ts';
import { TargetError } from '../../src/attach/target-error.ts';
import { createWire } from '../../src/attach/wire.ts';
import { isPart } from '../../src/protocol/answers.ts';
import type { CpuProfilePart } from '../../src/protocol/profile-parts.ts';
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
  const server = new LiveSocket({
    folders: [folder],
    pid: PID,
    methods: () => methods,
    onError: (message) => problems.push(message),
  });
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

/** What an agent sends to `cpu-profile`; some of it is mutated. */
const ANSWER = [
  { id: 1, part: { part: 'profile', threadId: 0, text: '{"nodes":[]}' } },
  {
    id: 1,
    part: {
      part: 'profiled',
      threadId: 0,
      intervalUs: 1000,
      ...{ warmCode: true, apart: false, agentFile: '/a', problem: null },
    },
  },
  { id: 1, result: {} },
].map((message) => JSON.stringify(message));

test('evdiag takes parts of the right shape alone, whatever the agent sends; else it says so', async () => {
  const path = join(tempFolder(), 'agent.sock');
  let answer: Buffer = Buffer.alloc(0);
  const server = createServer((socket) => {
    socket.on('error', () => {}).once('data', () => socket.end(answer));
  }).listen(path);
  await once(server, 'listening');
  const seen = { results: 0, errors: 0, parts: 0 };
  /** Seeds with which something else was handed on. */
  const strange: number[] = [];
  try {
    for (let seed = SEED; seed < SEED + INPUTS; seed++) {
      const random = chance(seed);
      const at = random.below(ANSWER.length + 1);
      const lines = ANSWER.map((line, i) => (i === at ? mutatedJson(line, random) : line));
      const whole = Buffer.from(`${lines.join('\n')}\n`);
      answer = random.below(2) === 0 ? whole : mutatedBytes(whole, random);
      const wire = createWire(await open(path), PID);
      const onPart = (part: CpuProfilePart): void => {
        seen.parts++;
        if (!isPart('cpu-profile', part)) strange.push(seed);
      };
      const params = { durationMs: 1, intervalUs: 1000, inlining: false };
      const outcome = await wire.request('cpu-profile', params, { onPart }).catch((error: unknown) => error);
      wire.close();
      if (outcome instanceof TargetError) seen.errors++;
      else {
        expect(outcome, `FUZZ_SEED=${seed}`).not.toBeInstanceOf(Error);
        seen.results++;
      }
    }
    expect(strange).toEqual([]);
    expect(Math.min(seen.results, seen.errors, seen.parts)).toBeGreaterThan(INPUTS / 20);
  } finally {
    server.close();
  }
});
