// Sends what FIELD_LOAD says to FIELD_PORT: at a fixed rate, whether the answers come or not. `{n}` in a path becomes the
// number of the request.
import http from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const port = Number(process.env.FIELD_PORT);
const boundary = 'field-boundary';
const part = (name, bytes) =>
  `--${boundary}\r\ncontent-disposition: form-data; name="${name}"; filename="a.bin"\r\n\r\n${'x'.repeat(bytes)}\r\n`;
const FORM = `${part('avatar', 2000)}${part('cover', 300_000)}--${boundary}--\r\n`;
const agent = new http.Agent({ keepAlive: true });
let sent = 0;
let answered = 0;

function request({ path, form, timeoutMs, abortAfterMs }) {
  const headers = form ? { 'content-type': `multipart/form-data; boundary=${boundary}` } : {};
  const options = {
    port,
    host: '127.0.0.1',
    method: form ? 'POST' : 'GET',
    headers,
    path: path.replaceAll('{n}', sent++),
  };
  const asked = http.request({ ...options, agent: abortAfterMs === undefined ? agent : undefined }, (response) => {
    if (abortAfterMs === undefined) response.resume();
    response.on('end', () => answered++).on('error', () => {});
  });
  asked.on('error', () => {});
  if (timeoutMs !== undefined) asked.setTimeout(timeoutMs, () => asked.destroy());
  if (abortAfterMs !== undefined) setTimeout(() => asked.destroy(), abortAfterMs);
  asked.end(form ? FORM : undefined);
}

/** A client that never reads what it gets. */
function silentWebSocket() {
  const headers = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13' };
  const key = Buffer.alloc(16, sent++).toString('base64');
  http
    .get({ port, host: '127.0.0.1', headers: { ...headers, 'sec-websocket-key': key } })
    .on('upgrade', (_response, socket) => socket.on('error', () => {}).pause())
    .on('error', () => {});
}

/** A client of socket.io that comes and goes. */
function visitor() {
  const { io } = createRequire(join(process.cwd(), 'programs/'))('socket.io-client');
  const socket = io(`http://127.0.0.1:${port}`, { transports: ['websocket'], reconnection: false, forceNew: true });
  setTimeout(() => socket.disconnect(), 600);
}

const KINDS = { http: request, websocket: silentWebSocket, 'socket.io': visitor };
for (const load of JSON.parse(process.env.FIELD_LOAD)) {
  const { kind = 'http', perSecond, fromMs = 500, count = Number.POSITIVE_INFINITY } = load;
  setTimeout(() => {
    let left = count;
    const timer = setInterval(() => (left-- > 0 ? KINDS[kind](load) : clearInterval(timer)), 1000 / perSecond);
  }, fromMs);
}
// A socket that is not read keeps no process alive.
setInterval(() => {}, 1000);
process.on('SIGTERM', () => {
  console.log(`${sent} sent, ${answered} answered`);
  process.exit(0);
});
