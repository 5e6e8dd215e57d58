import net from 'node:net';

/** A server that survives what its clients do. */
export const server = (serve) =>
  net.createServer((socket) => {
    socket.on('error', () => {});
    serve(socket);
  });

/** Listens on a port of its own and says which, for the runner. */
export function ready(server) {
  server.listen(0, '127.0.0.1', () => console.log(`ready ${server.address().port}`));
}
