// websockets/ws#1620, jo-duchan/tapflow#40: frames are sent whether the client reads them or not.
'use strict';
const { WebSocketServer, WebSocket } = require('ws');
const http = require('node:http');
const { listen } = require('./lib/listen.cjs');

const cured = process.argv[2] === 'cured';
const server = http.createServer();
const sockets = new WebSocketServer({ server });

function broadcast(frame) {
  for (const client of sockets.clients) {
    if (client.readyState !== WebSocket.OPEN) continue;
    if (cured && client.bufferedAmount > 1_000_000) continue;
    client.send(frame); // guilty
  }
}

setInterval(() => broadcast(Buffer.alloc(400_000, 7)), 33); // guilty
listen(server);
