#!/usr/bin/env bash
# Whoever reads the whole body of an answer and then asks again has two connections open, not one. `await response.text()` (and undici's
# body.text()) resumes in the microtasks of the turn in which the last byte came; undici gives the connection free in a later step of
# that turn. The next request, made at once, finds the pool without an idle connection, and opens another one. After one turn of the loop
# (setImmediate) the first one is found. So ten loops of one request at a time held twenty connections, and a server or a proxy that counts
# connections per client sees twice what the code suggests.
# Seen on 2026-11-30 with undici 7.16.0 and the fetch of Node 20.20.2, 22.23.3, 24.21.0 and 26.10.0:
#   fetch: 2 connections for 20 requests one after another, 1 with a turn of the loop in between
#   undici: 2 connections for 20 requests one after another, 1 with a turn of the loop in between
# usage: bash findings/fetches-one-after-another-take-two-connections.sh [PATH OF NODE]
set -euo pipefail
unset NODE_OPTIONS
node=${1:-node}
expected=$(sed -n 's/^#   //p' "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts undici@7.16.0 >/dev/null

cat > program.cjs <<'PROGRAM'
const { createServer } = require('node:http');
const { request } = require('undici');

const turn = () => new Promise((resolve) => setImmediate(resolve));
const ways = {
  fetch: async (url) => (await fetch(url)).text(),
  undici: async (url) => (await request(url)).body.text(),
};

async function connectionsOf(ask, between) {
  let connections = 0;
  const server = createServer((_request, response) => response.end('answer'));
  server.on('connection', () => connections++);
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  for (let i = 0; i < 20; i++) {
    await ask(`http://127.0.0.1:${server.address().port}`);
    await between();
  }
  server.close();
  server.closeAllConnections();
  return connections;
}

(async () => {
  for (const [name, ask] of Object.entries(ways)) {
    const [atOnce, later] = [await connectionsOf(ask, () => {}), await connectionsOf(ask, turn)];
    console.log(`${name}: ${atOnce} connections for 20 requests one after another, ${later} with a turn of the loop in between`);
  }
  process.exit(0);
})();
PROGRAM

seen=$("$node" program.cjs)
echo "$seen"
[ "$seen" = "$expected" ] || { printf 'no longer so, expected was:\n%s\n' "$expected" >&2; exit 1; }
