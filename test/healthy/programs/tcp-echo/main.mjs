// Sends back each line, with connections that stay.
import net from 'node:net';

const sockets = new Set();

const server = net.createServer({ noDelay: true }, (socket) => {
  sockets.add(socket);
  let rest = '';
  socket.setEncoding('utf8').on('data', (chunk) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop();
    for (const line of lines) if (!socket.write(`${line}\n`)) socket.pause();
  });
  socket.on('drain', () => socket.resume());
  socket.on('error', () => socket.destroy());
  socket.on('close', () => sockets.delete(socket));
});
server.listen(0, '127.0.0.1', () => console.log(`listening on ${server.address().port}`));
process.once('SIGTERM', () => {
  server.close();
  for (const socket of sockets) socket.end();
});
