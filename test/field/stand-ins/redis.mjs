// As much of Redis as ioredis needs to connect and to count; FIELD_OPTIONS.silentAfterMs after the first connection it
// says nothing more, and keeps its connections.
import { ready, server } from './serve.mjs';

const { silentAfterMs = Number.POSITIVE_INFINITY } = JSON.parse(process.env.FIELD_OPTIONS ?? '{}');
const INFO = 'redis_version:7.0.0\r\nloading:0\r\n';
let count = 0;
let first;

function answer(command) {
  if (command === 'incr') return `:${++count}\r\n`;
  if (command === 'info') return `$${INFO.length}\r\n${INFO}\r\n`;
  return '+OK\r\n';
}

ready(
  server((socket) => {
    first ??= Date.now();
    socket.on('data', (data) => {
      if (Date.now() - first > silentAfterMs) return;
      // Each command is an array, whose first element is its name.
      for (const [, name] of data.toString().matchAll(/\*\d+\r\n\$\d+\r\n(\w+)\r\n/g))
        socket.write(answer(name.toLowerCase()));
    });
  }),
);
