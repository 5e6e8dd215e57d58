import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { runIfMain, steadyLoad, withServer, withWorkers } from './support.ts';
import type { Headline, Scenario } from './types.ts';

const CLIENTS = 2;
const EVERY_MS = 80;

/** Answers each line, and leaves it to the client to hang up. */
const WEATHER = `(() => {
  const server = require('node:net').createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (place) => socket.write('sunny in ' + place));
  });
  server.listen(0, '127.0.0.1');
  return () => server.address().port;
})()`;

type Forecast = (port: number) => Promise<string>;

const open = new Set<Socket>();

async function forecastLeaking(port: number): Promise<string> {
  const socket = connect(port, '127.0.0.1'); // guilty
  open.add(socket);
  socket.write('Lisbon');
  const [answer] = await once(socket, 'data');
  return String(answer);
}

async function forecast(port: number): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  open.add(socket);
  try {
    socket.write('Lisbon');
    const [answer] = await once(socket, 'data');
    return String(answer);
  } finally {
    socket.destroy();
    open.delete(socket);
  }
}

function serve(ask: Forecast): Promise<Headline> {
  return withWorkers(WEATHER, 1, async (askWorker) => {
    const port = (await askWorker(null)) as number;
    try {
      return await withServer({ '/weather': () => ask(port) }, async (get) => {
        const { requests, pingMs } = await steadyLoad(get, '/weather', EVERY_MS, CLIENTS);
        const what = `95 of 100 pings beside ${requests} forecasts, with ${open.size} sockets open at the end,`;
        return { what, value: pingMs, unit: 'ms' };
      });
    } finally {
      // Only so that the process can end.
      for (const socket of open) socket.destroy();
    }
  });
}

export const leakedSockets: Scenario = {
  id: 'leaked-sockets',
  title: 'A connection that nobody hangs up',
  description:
    'Each request connects to another service, reads the answer and forgets the socket; neither side ever closes it.',
  expect: [{ rule: 'leaked-handles', kind: 'sockets' }],
  level: 'diagnose',
  broken: () => serve(forecastLeaking),
  fixed: () => serve(forecast),
};

runIfMain(import.meta.url, leakedSockets);
