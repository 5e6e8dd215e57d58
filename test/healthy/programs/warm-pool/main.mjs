// Keeps its connections: bursts of twenty through one pool, each of many services once, and a name that is looked up once a minute.
import dns from 'node:dns/promises';
import http from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

const BURSTS = 40;
const AT_ONCE = 20;
const SERVICES = 40;

async function serve() {
  const server = http.createServer(async (_request, response) => {
    await delay(5);
    response.end('here');
  });
  server.keepAliveTimeout = 60_000;
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

const known = new Map();
function lookup(name, _options, callback) {
  const before = known.get(name);
  if (before && before.untilMs > performance.now()) return callback(null, before.addresses);
  dns.lookup(name, { all: true, family: 4 }).then(
    (addresses) => {
      known.set(name, { addresses, untilMs: performance.now() + 60_000 });
      callback(null, addresses);
    },
    (error) => callback(error),
  );
}

const agent = new http.Agent({ keepAlive: true, maxSockets: AT_ONCE });

function get(port) {
  return new Promise((resolve, reject) => {
    http
      .get({ host: 'localhost', port, path: '/', agent, lookup, autoSelectFamily: true }, (response) => {
        response.resume().on('end', resolve);
      })
      .on('error', reject);
  });
}

const main = await serve();
let did = 0;
for (let burst = 0; burst < BURSTS; burst++) {
  await Promise.all(Array.from({ length: AT_ONCE }, () => get(main.address().port)));
  did += AT_ONCE;
  await delay(40);
}
for (let i = 0; i < SERVICES; i++) {
  const service = await serve();
  await get(service.address().port);
  did++;
  service.closeAllConnections();
  service.close();
}
console.log(`did ${did} requests`);
agent.destroy();
main.close();
