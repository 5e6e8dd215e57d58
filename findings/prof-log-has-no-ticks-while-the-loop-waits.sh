#!/usr/bin/env bash
# node --prof: the log has a tick about every millisecond, but none while the event loop waits, and no line says that
# it waited. Node 24 at least marks the first tick after the wait with VM state 8; on 26 it is like any other. A reader
# that takes the time until the next tick as the weight of a tick charges the whole wait to the function before it. The
# program waits for 1.5 s.
# Seen on 2026-11-30 with Node 24.21.0 (as 20.20.2 and 22.23.3) and 26.10.0:
#   v24.21.0: over 1.4 s without a tick, ticks with state 8: some
#   v26.10.0: over 1.4 s without a tick, ticks with state 8: none
# usage: bash findings/prof-log-has-no-ticks-while-the-loop-waits.sh
set -euo pipefail
unset NODE_OPTIONS
expected=$(sed -n 's/^#   //p' "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
for version in 24.21.0 26.10.0; do
  mkdir "$version"
  echo '{ "private": true, "allowScripts": { "node": true } }' > "$version/package.json"
  (cd "$version" && npm install --silent --no-audit --no-fund --ignore-scripts=false "node@$version")
done

cat > program.cjs <<'PROGRAM'
function work(milliseconds) {
  const end = performance.now() + milliseconds;
  let sum = 1;
  while (performance.now() < end) sum += Math.sqrt(sum);
}
work(300);
setTimeout(work, 1500, 300);
PROGRAM

cat > longest-gap.cjs <<'PROGRAM'
// tick,address,microseconds,external,…,VM state,…
const { readFileSync } = require('node:fs');
const lines = readFileSync('prof.log', 'latin1').split('\n');
const ticks = lines.filter((line) => line.startsWith('tick,')).map((line) => line.split(','));
const times = ticks.map((tick) => Number(tick[2]));
const longest = Math.max(...times.slice(1).map((time, index) => time - times[index]));
const wait = longest > 1.4e6 ? 'over 1.4 s without a tick' : 'ticks all the time';
const marks = ticks.some((tick) => tick[5] === '8') ? 'some' : 'none';
console.log(`${wait}, ticks with state 8: ${marks}`);
PROGRAM

seen=""
for version in 24.21.0 26.10.0; do
  node="$version/node_modules/node/bin/node"
  "$node" --prof --no-logfile-per-isolate --logfile=prof.log program.cjs
  seen+="$("$node" --version): $("$node" longest-gap.cjs)"$'\n'
done
seen=${seen%$'\n'}
echo "$seen"
[ "$seen" = "$expected" ] || { printf 'no longer so, expected was:\n%s\n' "$expected" >&2; exit 1; }
