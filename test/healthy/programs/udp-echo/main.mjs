// Sends back each datagram.
import dgram from 'node:dgram';

const socket = dgram.createSocket('udp4');
socket.on('message', (message, { port, address }) => socket.send(message, port, address));
socket.bind(0, '127.0.0.1', () => console.log(`listening on ${socket.address().port}`));
process.once('SIGTERM', () => socket.close());
