import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { runIfMain, withWorkers } from './support.ts';
import type { Headline, Scenario } from './types.ts';

const RUN_MS = 7000;
const EVERY_MS = 20;
/** Written each time: 5 MB a second. */
const ROWS = 100;
const ROW = `${'a row of a table, as long as a screen is wide '.repeat(22)}\n`;
/** What the reader takes: 200 kB a second. */
const READ_BYTES = 10_000;
const READ_EVERY_MS = 50;

/** Takes a little, rests, and takes a little more. */
const SLOW_READER = `(() => {
  const server = require('node:net').createServer((socket) => {
    socket.on('error', () => {});
    setInterval(() => socket.read(${READ_BYTES}), ${READ_EVERY_MS}).unref();
  });
  server.listen(0, '127.0.0.1');
  return () => server.address().port;
})()`;

type WriteRows = (socket: Socket) => Promise<void>;

/** What `write` returns is not looked at: each row waits in this process. */
const writeOn: WriteRows = async (socket) => {
  for (let i = 0; i < ROWS; i++) socket.write(ROW); // guilty
};

/** Where the reader is slow, the rows come as slowly. */
const writeAndWait: WriteRows = async (socket) => {
  for (let i = 0; i < ROWS; i++) if (!socket.write(ROW)) await once(socket, 'drain');
};

function sendRows(writeRows: WriteRows): Promise<Headline> {
  return withWorkers(SLOW_READER, 1, async (ask) => {
    const socket = connect((await ask(null)) as number, '127.0.0.1');
    await once(socket, 'connect');
    let mostBytes = 0;
    let rows = 0;
    const startMs = performance.now();
    while (performance.now() < startMs + RUN_MS) {
      await writeRows(socket);
      rows += ROWS;
      mostBytes = Math.max(mostBytes, socket.writableLength);
      await delay(EVERY_MS);
    }
    socket.destroy();
    const what = `${rows} rows for a slow reader, of which up to ${Math.round(mostBytes / 1000)} kB waited in memory,`;
    return { what, value: performance.now() - startMs, unit: 'ms' };
  });
}

export const ignoredBackpressure: Scenario = {
  id: 'ignored-backpressure',
  title: 'Rows for a reader that is slower',
  description:
    'A connection gets 5 MB a second and its reader takes 0.2 of them. Nobody looks at what `write` returns, so the rest waits in memory, more each second.',
  expect: [{ rule: 'ignored-backpressure', kind: 'growing' }],
  broken: () => sendRows(writeOn),
  fixed: () => sendRows(writeAndWait),
};

runIfMain(import.meta.url, ignoredBackpressure);
