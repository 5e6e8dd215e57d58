#!/usr/bin/env bash
# V8 and the inspector: heap objects keep their ids from snapshot to snapshot, so that two snapshots can be compared by
# id. But when any inspector session disconnects, even one that never posted anything, V8 forgets all ids. The next
# snapshot numbers everything anew, and every old object looks new. So a tool that only connects and leaves spoils the
# comparison that another tool is making.
# Seen on 2026-11-30 with Node 26.10.0, and the same with 20.20.2, 22.23.3 and 24.21.0:
#   second snapshot: same id
#   snapshot while a session is connected: same id
#   snapshot after it disconnected: another id
# usage: bash findings/inspector-disconnect-renumbers-heap-objects.sh [VERSION OF NODE]
set -euo pipefail
unset NODE_OPTIONS
expected=$(sed -n 's/^#   //p' "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true, "allowScripts": { "node": true } }' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts=false "node@${1:-26.10.0}"
node=./node_modules/node/bin/node

cat > program.cjs <<'PROGRAM'
const { Session } = require('node:inspector');
const { getHeapSnapshot } = require('node:v8');

class Marker {}
globalThis.marker = new Marker(); // lives all the time

async function idOfMarker() {
  let text = '';
  for await (const chunk of getHeapSnapshot()) text += chunk;
  const { snapshot, nodes, strings } = JSON.parse(text);
  const fields = snapshot.meta.node_fields;
  const types = snapshot.meta.node_types[0];
  const valueOf = (node, field) => nodes[node + fields.indexOf(field)];
  for (let node = 0; node < nodes.length; node += fields.length) {
    const isObject = types[valueOf(node, 'type')] === 'object';
    if (isObject && strings[valueOf(node, 'name')] === 'Marker') return valueOf(node, 'id');
  }
  throw new Error('no Marker in the snapshot');
}

async function main() {
  const first = await idOfMarker();
  const compare = async (when) => console.log(`${when}: ${(await idOfMarker()) === first ? 'same' : 'another'} id`);
  await compare('second snapshot');
  const session = new Session();
  session.connect();
  await compare('snapshot while a session is connected');
  session.disconnect();
  await compare('snapshot after it disconnected');
}
main();
PROGRAM

echo "Node $("$node" --version)"
seen=$("$node" program.cjs)
echo "$seen"
[ "$seen" = "$expected" ] || { printf 'no longer so, expected was:\n%s\n' "$expected" >&2; exit 1; }
