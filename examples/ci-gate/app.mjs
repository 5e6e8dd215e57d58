import { once } from 'node:events';
import { createServer } from 'node:http';

function report() {
  const rows = Array.from({ length: 300_000 }, (_, i) => `row ${(i * 7919) % 300_000}`);
  return rows.sort((a, b) => a.localeCompare(b)).join('\n');
}

export const server = createServer((request, response) => response.end(request.url === '/report' ? report() : 'hello'));
server.listen(0);
await once(server, 'listening');
