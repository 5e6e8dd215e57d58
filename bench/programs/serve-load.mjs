/** Tells the benchmark the port, and then its CPU time whenever it asks. */
export function serveLoad(port) {
  process.on('message', () => process.send({ cpuUs: totalUs(process.cpuUsage()) }));
  process.send({ port });
}

function totalUs({ user, system }) {
  return user + system;
}
