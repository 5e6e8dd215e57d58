// Load for one server at as little cost as possible: it shares two cores with what is measured. One request at a time
// per connection; all answers of a program of programs/ have the same length, so that bytes are counted, not parsed.
import { once } from 'node:events';
import { connect } from 'node:net';

/** Enough to keep a server fully busy that waits one to two milliseconds per request and needs 20 µs for it. */
const CONNECTIONS = 128;
const REQUEST = Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
const STATUS_AT = 'HTTP/1.1 '.length;
const BUFFER_BYTES = 16 * 1024;

/** @typedef {{ socket: import('node:net').Socket, sentAt: number }} Client */
/** @typedef {{ until: number, open: number, latenciesMs: number[], done(): void, failed(why: Error): void }} Turn */

/**
 * @param {number} port
 * @returns {Promise<import('./types.d.ts').Load>}
 */
export async function openLoad(port) {
  const answerBytes = await lengthOfAnswer(port);
  /** @type {Turn | null} */
  let slice = null;

  /** @param {Client} connection */
  function answered(connection) {
    if (!slice) return;
    const now = performance.now();
    slice.latenciesMs.push(now - connection.sentAt);
    if (now < slice.until) return send(connection, now);
    slice.open--;
    if (slice.open === 0) slice.done();
  }
  /**
   * @param {Client} connection
   * @param {number} now
   */
  function send(connection, now) {
    connection.sentAt = now;
    connection.socket.write(REQUEST);
  }
  /** @param {string} problem */
  const fail = (problem) => slice?.failed(new Error(problem));

  const connections = await Promise.all(
    Array.from({ length: CONNECTIONS }, () => openConnection(port, answerBytes, answered, fail)),
  );
  return {
    /** Ends when the last answer has arrived, so that all work of the slice is within it. */
    async run(ms) {
      const start = performance.now();
      /** @type {number[]} */
      const latenciesMs = [];
      const finished = /** @type {Promise<void>} */ (
        new Promise((done, failed) => {
          slice = { until: start + ms, open: CONNECTIONS, latenciesMs, done, failed };
        })
      );
      for (const connection of connections) send(connection, start);
      await finished;
      slice = null;
      return { requests: latenciesMs.length, seconds: (performance.now() - start) / 1000, latenciesMs };
    },
    close() {
      for (const { socket } of connections) socket.destroy();
    },
  };
}

/**
 * @param {number} port
 * @param {number} answerBytes
 * @param {(connection: Client) => void} answered
 * @param {(problem: string) => void} fail
 */
async function openConnection(port, answerBytes, answered, fail) {
  let received = 0;
  /** @type {(bytes: number, buffer: Uint8Array) => boolean} */
  const callback = (bytes, buffer) => {
    if (received === 0 && buffer[STATUS_AT] !== 0x32) fail('the server answered with an error under load');
    received += bytes;
    if (received < answerBytes) return true;
    if (received > answerBytes) fail('the answers of the server differ in length');
    received = 0;
    answered(connection);
    return true;
  };
  const socket = connect({ port, host: '127.0.0.1', onread: { buffer: Buffer.alloc(BUFFER_BYTES), callback } });
  /** @type {Client} */
  const connection = { socket, sentAt: 0 };
  socket.on('error', ({ message }) => fail(message));
  socket.on('close', () => fail('the server closed a connection under load'));
  await once(socket, 'connect');
  socket.setNoDelay();
  return connection;
}

/**
 * Bytes of one answer, head and body.
 *
 * @param {number} port
 */
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
