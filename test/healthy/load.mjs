// Sends paced load from a process of its own, then prints what came of it as JSON.
// usage: node load.mjs '{"protocol":"http","port":8080,"seconds":5,"connections":10,"perSecond":200,"requests":[{"path":"/"}]}'
import dgram from 'node:dgram';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';

const HOST = '127.0.0.1';
/** Far away: only an answer that is lost takes that long. */
const LOST_MS = 20_000;
/** A client rests at least as long as its answer took: no server is driven past what it can take, on no machine. */
const REST_RATIO = 1;
/** So many times longer at the most. */
const PATIENCE = 3;

const {
  protocol,
  port,
  seconds,
  connections,
  perSecond,
  requests,
  restRatio = REST_RATIO,
  least = 0,
} = JSON.parse(process.argv[2]);

/** How each protocol connects: `ask(i)` resolves when its answer is there. */
const protocols = { http: connectHttp, tcp: connectTcp, udp: connectUdp, ws: connectWs };

async function connectHttp() {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  let cookie;
  async function ask(i) {
    const { method = 'GET', path, body, abortAfterMs } = requests[i % requests.length];
    const text = body === undefined ? undefined : JSON.stringify(body).replaceAll('{i}', i);
    const headers = { ...(cookie && { cookie }), ...(text && { 'content-type': 'application/json' }) };
    const options = { host: HOST, port, agent, method, path: path.replaceAll('{i}', i), headers };
    const request = http.request({ ...options, timeout: LOST_MS }).end(text);
    request.on('timeout', () => request.destroy(new Error(`no answer to ${path}`)));
    const [response] = await once(request, 'response');
    if (response.statusCode >= 300) throw new Error(`${path} answered ${response.statusCode}`);
    cookie = response.headers['set-cookie']?.[0].split(';')[0] ?? cookie;
    response.resume();
    if (abortAfterMs === undefined) return once(response, 'end');
    await delay(abortAfterMs);
    request.destroy();
  }
  return { ask, close: () => agent.destroy() };
}

async function connectWs() {
  const socket = new WebSocket(`ws://${HOST}:${port}`);
  await once(socket, 'open');
  const asked = new Map();
  socket.on('message', (text) => {
    const { echo } = JSON.parse(text);
    asked.get(echo)?.();
    asked.delete(echo);
  });
  const ask = (i) =>
    new Promise((resolve) => {
      asked.set(i, resolve);
      socket.send(JSON.stringify({ echo: i, text: 'hello everybody' }));
    });
  return { ask: (i) => inTime(ask(i)), close: () => socket.close() };
}

async function connectTcp() {
  const socket = net.connect(port, HOST);
  socket.setNoDelay(true).setEncoding('utf8');
  await once(socket, 'connect');
  let text = '';
  async function ask(i) {
    socket.write(`line ${i} ${'x'.repeat(200)}\n`);
    while (!text.includes(`line ${i} `) || !text.endsWith('\n')) text += (await once(socket, 'data'))[0];
    text = '';
  }
  return { ask: (i) => inTime(ask(i)), close: () => socket.end() };
}

async function connectUdp() {
  const socket = dgram.createSocket('udp4');
  socket.connect(port, HOST);
  await once(socket, 'connect');
  async function ask(i) {
    const answered = once(socket, 'message');
    socket.send(`datagram ${i}`);
    const [message] = await answered;
    if (String(message) !== `datagram ${i}`) throw new Error(`${message} came back for ${i}`);
  }
  return { ask: (i) => inTime(ask(i)), close: () => socket.close() };
}

/** Fails when an answer is lost. */
async function inTime(answer) {
  const lost = new AbortController();
  const limit = delay(LOST_MS, undefined, { signal: lost.signal }).then(() => {
    throw new Error('no answer');
  });
  limit.catch(() => {});
  await Promise.race([answer, limit]);
  lost.abort();
}

const outcome = { served: 0, failed: 0, slowestMs: 0, errors: [] };
const endMs = performance.now() + seconds * 1000;
/** On a host that is busy with others, the least takes longer. */
const lastMs = endMs + seconds * PATIENCE * 1000;
const goesOn = () => performance.now() < endMs || (outcome.served < least && performance.now() < lastMs);
const everyMs = (1000 * connections) / perSecond;
let asked = 0;

async function client(n) {
  const { ask, close } = await protocols[protocol]();
  await delay((everyMs * n) / connections);
  while (goesOn()) {
    const startMs = performance.now();
    try {
      await ask(asked++);
      outcome.served++;
    } catch (error) {
      outcome.failed++;
      if (outcome.errors.length < 5) outcome.errors.push(String(error));
    }
    const tookMs = performance.now() - startMs;
    outcome.slowestMs = Math.max(outcome.slowestMs, Math.round(tookMs));
    await delay(Math.max(everyMs - tookMs, tookMs * restRatio));
  }
  close();
}

async function sayWhenLast() {
  while (goesOn()) await delay(50);
  console.log('the last answers are awaited');
}

await Promise.all([sayWhenLast(), ...Array.from({ length: connections }, (_, n) => client(n))]);
console.log(JSON.stringify(outcome));
