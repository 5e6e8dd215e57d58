/**
 * Sends the benchmark the port. The channel to it stays open, and ends the server with it.
 *
 * @param {import('node:net').Server} server
 */
export function serveLoad(server) {
  const address = /** @type {import('node:net').AddressInfo} */ (server.address());
  process.on('disconnect', () => process.exit());
  process.send?.(address.port);
}
