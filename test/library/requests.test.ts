import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const NODE = process.env.EVDIAG_TEST_NODE ?? process.execPath;

/** By shape: kind, words without ports, and whether the place is the line of the shape. */
type Pending = Record<string, [kind: string, what: string, here: boolean][]>;

const request = (words: string): [string, string, boolean] => ['request', `request ${words}`, true];

const PENDING: Pending = {
  fetch: [request('GET http://127.0.0.1/hang')],
  'fetch with a body': [request('POST http://127.0.0.1/')],
  'fetch of a stream': [request('POST http://127.0.0.1/')],
  'fetch of a Request': [request('GET http://127.0.0.1/')],
  'fetch by host name': [request('GET http://localhost/')],
  'fetch that never connects': [request('GET https://127.0.0.1/')],
  'fetch on a used connection': [request('GET http://127.0.0.1/')],
  'fetch in a call': [request('GET http://127.0.0.1/'), ['suspended-call', 'suspended async call', true]],
  'a body that is not read': [request('GET http://127.0.0.1/endless')],
  'http.get': [request('GET http://127.0.0.1/')],
  'http.get by host name': [request('GET http://localhost/')],
  'http.get on an older socket': [request('GET http://127.0.0.1/')],
  'http.request without end': [request('POST http://127.0.0.1/')],
  'https.get': [request('GET https://127.0.0.1/')],
  http2: [request('GET http://127.0.0.1/hang')],
  'events.once': [['listener', "listener of 'never' on EventEmitter", true]],
};
const WEBSOCKETS: Pending = {
  WebSocket: [['socket', 'WebSocket http://127.0.0.1/', true]],
  'an open WebSocket': [['socket', 'WebSocket http://127.0.0.1/ws', true]],
};
const UNDICI: Pending = {
  'undici.request': [request('GET http://127.0.0.1/')],
  'undici.stream': [request('GET http://127.0.0.1/')],
};

async function watched(...args: string[]): Promise<{ pending: Pending; quiet: Record<string, string | null> }> {
  const program = join(ROOT, 'test/fixtures/pending.mjs');
  const { stdout } = await promisify(execFile)(NODE, [program, join(ROOT, 'dist/index.js'), ...args]);
  const told = JSON.parse(stdout) as Awaited<ReturnType<typeof watched>>;
  // Timers of undici's own are unref'd.
  for (const [name, left] of Object.entries(told.pending))
    told.pending[name] = left.filter(([kind]) => kind !== 'timer').sort();
  return told;
}

const hasWebSocket = async (): Promise<boolean> =>
  (await promisify(execFile)(NODE, ['-p', 'typeof WebSocket'])).stdout.startsWith('function');

describe('requests that nobody awaits', () => {
  test("pending ones are told once, with address and line; what has ended leaves nothing, nor do fetch's pooled sockets", async () => {
    const { pending, quiet } = await watched();
    expect(pending).toEqual({ ...PENDING, ...((await hasWebSocket()) && WEBSOCKETS) });
    expect(Object.entries(quiet).filter(([, message]) => message !== null)).toEqual([]);
    expect(Object.keys(quiet)).toHaveLength(12);
  });

  test('the same with undici as a package, which serves global fetch as well then', async () => {
    const { pending, quiet } = await watched(join(ROOT, 'node_modules/undici/index.js'));
    expect(pending).toEqual({ ...PENDING, ...((await hasWebSocket()) && WEBSOCKETS), ...UNDICI });
    expect(Object.entries(quiet).filter(([, message]) => message !== null)).toEqual([]);
  });
});
