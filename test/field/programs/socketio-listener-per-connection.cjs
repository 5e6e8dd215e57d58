// socketio/socket.io#1342, #3553: each connection listens to something that outlives it.
'use strict';
const { EventEmitter } = require('node:events');
const http = require('node:http');
const { Server } = require('socket.io');
const { listen } = require('./lib/listen.cjs');

const cured = process.argv[2] === 'cured';
const prices = new EventEmitter();
prices.setMaxListeners(0);
setInterval(() => prices.emit('tick', Date.now()), 500);

const server = http.createServer();
const io = new Server(server);
io.on('connection', (socket) => {
  const onTick = (price) => socket.emit('price', price);
  prices.on('tick', onTick); // guilty
  if (cured) socket.on('disconnect', () => prices.off('tick', onTick));
});
listen(server);
