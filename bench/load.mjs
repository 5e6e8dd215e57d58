// Load for one server at as little cost as possible: it shares two cores with what is measured. One request at a time
// per connection; all answers of a program of programs/ have the same length, so that bytes are counted, not parsed.
import { once } from 'node:events';
import { connect } from 'node:net';

/** Enough to keep a server fully busy that waits one to two milliseconds per request and needs 20 µs for it. */
const CONNECTIONS = 128;
const REQUEST = Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
const STATUS_AT = 'HTTP/1.1 '.length;
const BUFFER_BYTES = 16 * 1024;

/** @returns {Promise<{ run(ms: number): Promise<{ requests: number, seconds: number, latenciesMs: number[] }>, close(): void }>} */
export async function openLoad(port) {
  const answerBytes = await lengthOfAnswer(port);
  let slice = null;

  function answered(connection) {
    const now = performance.now();
    slice.latenciesMs.push(now - connection.sentAt);
    if (now < slice.until) return send(connection, now);
    slice.open--;
    if (slice.open === 0) slice.done();
  }
  function send(connection, now) {
    connection.sentAt = now;
    connection.socket.write(REQUEST);
  }
  const fail = (problem) => slice?.failed(new Error(problem));

  const connections = await Promise.all(
    Array.from({ length: CONNECTIONS }, () => openConnection(port, answerBytes, answered, fail)),
  );
  return {
    /** Ends when the last answer is there, so that all work of the slice lies within it. */
    async run(ms) {
      const start = performance.now();
      const finished = new Promise((done, failed) => {
        slice = { until: start + ms, open: CONNECTIONS, latenciesMs: [], done, failed };
      });
      for (const connection of connections) send(connection, start);
      await finished;
      const { latenciesMs } = slice;
      slice = null;
      return { requests: latenciesMs.length, seconds: (performance.now() - start) / 1000, latenciesMs };
    },
    close() {
      for (const { socket } of connections) socket.destroy();
    },
  };
}

async function openConnection(port, answerBytes, answered, fail) {
  const connection = { socket: null, sentAt: 0 };
  let received = 0;
  const callback = (bytes, buffer) => {
    if (received === 0 && buffer[STATUS_AT] !== 0x32) fail('the server answered with an error under load');
    received += bytes;
    if (received < answerBytes) return;
    if (received > answerBytes) fail('the answers of the server differ in length');
    received = 0;
    answered(connection);
  };
  const socket = connect({ port, host: '127.0.0.1', onread: { buffer: Buffer.alloc(BUFFER_BYTES), callback } });
  socket.on('error', ({ message }) => fail(message));
  socket.on('close', () => fail('the server closed a connection under load'));
  await once(socket, 'connect');
  socket.setNoDelay();
  connection.socket = socket;
  return connection;
}

/** Bytes of one answer, head and body. */
async function lengthOfAnswer(port) {
  const socket = connect({ port, host: '127.0.0.1' });
  socket.write(REQUEST);
  let text = '';
  for await (const chunk of socket) {
    text += chunk.toString('latin1');
    const headBytes = text.indexOf('\r\n\r\n') + 4;
    const bodyBytes = Number(/^content-length: (\d+)/im.exec(text)?.[1]);
    if (headBytes > 4 && text.length >= headBytes + bodyBytes) return headBytes + bodyBytes;
  }
  throw new Error('the server gave no answer of known length');
}
