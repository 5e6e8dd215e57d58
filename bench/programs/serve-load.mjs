/** Tells the benchmark the port. The channel to it stays, and ends the server with it. */
export function serveLoad(port) {
  process.on('disconnect', () => process.exit());
  process.send(port);
}
