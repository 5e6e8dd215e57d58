// Streams of server-sent events with a heartbeat each; clients come and go, and what belongs to them goes with them.
import http from 'node:http';

const HEARTBEAT_MS = 200;
const clients = new Set();

function subscribe(request, response) {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  const client = { response, heartbeat: setInterval(() => response.write(': still here\n\n'), HEARTBEAT_MS) };
  clients.add(client);
  request.on('close', () => {
    clearInterval(client.heartbeat);
    clients.delete(client);
  });
}

let ticks = 0;
const ticking = setInterval(() => {
  const event = `event: price\ndata: ${JSON.stringify({ tick: ticks++, price: Math.sin(ticks).toFixed(3) })}\n\n`;
  for (const { response } of clients) response.write(event);
}, 50);

const server = http.createServer((request, response) => {
  if (request.url === '/events') subscribe(request, response);
  else response.end(JSON.stringify({ clients: clients.size }));
});
server.listen(0, '127.0.0.1', () => console.log(`listening on ${server.address().port}`));
process.once('SIGTERM', () => {
  clearInterval(ticking);
  for (const { response } of clients) response.end();
  server.close();
});
