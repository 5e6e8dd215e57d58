import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Figures } from '../types.ts';
import { listening } from './requests.ts';
import type { Program } from './types.ts';

const HOST = '127.0.0.1';
/** A request, its answer, a packet. */
const BYTES = 64;
/** Until the code of both sides is compiled. */
const WARM_UP_MS = 300;
/** Packets get lost where a buffer is full; another one is sent in its place after this. */
const LOST_MS = 500;
/** A server that has not answered for so many slices is not going to. */
const MOST_SLICES = 30;

/** Servers that send back what they get, and clients that always have `parallel` requests under way. */
export const loopThroughput: Program = async (way, { port = 0, parallel = 1, sliceMs = 1000 }) => {
  switch (way) {
    case 'tcp-server':
      return { port: await listening(createServer({ noDelay: true }, (socket) => echo(socket))) };
    case 'udp-server':
      return { port: await startDatagramEcho() };
    case 'tcp-client':
      return measuredSlice(sliceMs, (answered) => startConnections(port, parallel, answered));
    case 'udp-client':
      return measuredSlice(sliceMs, (answered) => startDatagrams(port, parallel, answered));
    default:
      throw new Error(`there is no way ${way}`);
  }
};

function echo(socket: Socket): void {
  socket.on('error', () => socket.destroy()).on('data', (bytes) => socket.write(bytes));
}

async function startDatagramEcho(): Promise<number> {
  const socket = createSocket('udp4');
  socket.on('message', (bytes, { port, address }) => socket.send(bytes, port, address));
  socket.bind(0, HOST);
  await once(socket, 'listening');
  return socket.address().port;
}

type Answered = (sentMs: number) => void;

/** What `start` returns says how many were lost. */
async function measuredSlice(sliceMs: number, start: (answered: Answered) => Promise<() => number>): Promise<Figures> {
  let times: RecordableHistogram | null = null;
  const lost = await start((sentMs) => times?.record(Math.max(1, Math.round((performance.now() - sentMs) * 1e6))));
  await sleep(WARM_UP_MS);
  const lostBefore = lost();
  const began = performance.now();
  times = createHistogram();
  // On a busy machine neither side may have had a turn so far.
  for (let tries = 0; tries < MOST_SLICES && times.count === 0; tries++) await sleep(sliceMs);
  const seconds = (performance.now() - began) / 1000;
  const slice = times;
  times = null;
  if (slice.count === 0) throw new Error('the server did not answer');
  return {
    perSecond: slice.count / seconds,
    p50Ms: slice.percentile(50) / 1e6,
    p99Ms: slice.percentile(99) / 1e6,
    lostCount: lost() - lostBefore,
  };
}

async function startConnections(port: number, parallel: number, answered: Answered): Promise<() => number> {
  const sockets = Array.from({ length: parallel }, () => connect({ port, host: HOST, noDelay: true }));
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  const request = Buffer.alloc(BYTES, 'x');
  for (const socket of sockets) {
    let sentMs = 0;
    let missing = 0;
    const send = (): void => {
      missing = BYTES;
      sentMs = performance.now();
      socket.write(request);
    };
    socket.on('data', ({ length }) => {
      missing -= length;
      if (missing > 0) return;
      answered(sentMs);
      send();
    });
    send();
  }
  return () => 0;
}

/** Each of `parallel` packets has its number, which comes back in the answer. */
async function startDatagrams(port: number, parallel: number, answered: Answered): Promise<() => number> {
  const socket = createSocket('udp4');
  socket.bind(0, HOST);
  await once(socket, 'listening');
  const sentMs = new Float64Array(parallel);
  const turns = new Uint32Array(parallel);
  let lost = 0;
  const send = (i: number): void => {
    sentMs[i] = performance.now();
    socket.send(packet(i, turns[i]!), port, HOST);
  };
  socket.on('message', (bytes) => {
    const i = bytes.readUInt32LE(0);
    // An answer that comes after it was given up is of an earlier turn.
    if (bytes.readUInt32LE(4) !== turns[i]) return;
    answered(sentMs[i]!);
    turns[i]!++;
    send(i);
  });
  for (let i = 0; i < parallel; i++) send(i);
  resendLost(sentMs, (i) => {
    lost++;
    turns[i]!++;
    send(i);
  });
  return () => lost;
}

function packet(i: number, turn: number): Buffer {
  const bytes = Buffer.alloc(BYTES);
  bytes.writeUInt32LE(i, 0);
  bytes.writeUInt32LE(turn, 4);
  return bytes;
}

function resendLost(sentMs: Float64Array, resend: (i: number) => void): void {
  setInterval(() => {
    const now = performance.now();
    sentMs.forEach((sent, i) => {
      if (now - sent > LOST_MS) resend(i);
    });
  }, LOST_MS);
}
