// A chat room: each message goes to all, those who do not answer pings are dropped.
import { WebSocketServer } from 'ws';

const HEARTBEAT_MS = 1000;
const STATE_EVERY_MS = 250;

const room = new WebSocketServer({ port: 0, host: '127.0.0.1' }, () => {
  console.log(`listening on ${room.address().port}`);
});

function broadcast(text) {
  for (const client of room.clients) if (client.readyState === client.OPEN) client.send(text);
}

room.on('connection', (socket) => {
  socket.isAlive = true;
  socket.on('pong', () => {
    socket.isAlive = true;
  });
  socket.on('message', (text) => broadcast(text.toString()));
});

const heartbeat = setInterval(() => {
  for (const client of room.clients) {
    if (!client.isAlive) client.terminate();
    client.isAlive = false;
    client.ping();
  }
}, HEARTBEAT_MS);
const state = setInterval(() => broadcast(JSON.stringify({ clients: room.clients.size })), STATE_EVERY_MS);

process.once('SIGTERM', () => {
  clearInterval(heartbeat);
  clearInterval(state);
  for (const client of room.clients) client.close();
  room.close();
});
