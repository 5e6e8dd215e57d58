#!/usr/bin/env bash
# undici 6 beside Node's own fetch: importing the package is enough to send the requests of the global fetch through
# the package's Agent, instead of that of the undici inside Node. Nothing of it has to be called. Both look for their
# dispatcher at one global symbol, and the package fills it when it is loaded and the symbol is still empty. So the
# order of the first fetch and the import decides, and a require anywhere in the dependencies can change which undici
# serves fetch.
# Seen on 2026-11-30 with undici 6.29.1 in Node 24.21.0, and the same in 20.20.2 and 22.23.3 (26 has another symbol):
#   imported before the first fetch: 2 of 2 requests of fetch by the package
#   imported after the first fetch: 0 of 2 requests of fetch by the package
# usage: bash findings/importing-undici-takes-over-global-fetch.sh [VERSION OF NODE]
set -euo pipefail
unset NODE_OPTIONS
expected=$(sed -n 's/^#   //p' "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true, "allowScripts": { "node": true } }' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts=false "node@${1:-24.21.0}" undici@6.29.1
node=./node_modules/node/bin/node

cat > program.cjs <<'PROGRAM'
const { createServer } = require('node:http');
const REQUESTS = 2;
const when = process.argv[2];

async function main() {
  const server = createServer((_request, response) => response.end('hello'));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${server.address().port}/`;
  if (when === 'after') await (await fetch(url)).text();

  const { Agent } = require('undici'); // only to count what comes through it
  const { dispatch } = Agent.prototype;
  let count = 0;
  Agent.prototype.dispatch = function (...args) {
    count++;
    return dispatch.apply(this, args);
  };

  for (let request = 0; request < REQUESTS; request++) await (await fetch(url)).text();
  console.log(`imported ${when} the first fetch: ${count} of ${REQUESTS} requests of fetch by the package`);
  server.closeAllConnections();
  server.close();
}
main();
PROGRAM

"$node" -p '`Node ${process.version}, in it undici ${process.versions.undici}`'
echo "undici package $("$node" -p 'require("undici/package.json").version')"
seen=$("$node" program.cjs before; "$node" program.cjs after)
echo "$seen"
[ "$seen" = "$expected" ] || { printf 'no longer so, expected was:\n%s\n' "$expected" >&2; exit 1; }
