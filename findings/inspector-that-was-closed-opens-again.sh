#!/usr/bin/env bash
# Node, SIGUSR1 and inspector.close(): one signal asks for the inspector several times, by an interrupt of the JavaScript that runs
# and by an event of the loop. If it is opened by the interrupt and closed within the same JavaScript, the event opens it
# again, without another signal. Whoever opens a port by SIGUSR1 to close it at once leaves it open in a busy process.
# Seen on 2026-11-30:
#   v20.20.2: opened while JavaScript ran true, closed true, open again later true
#   v22.23.3: opened while JavaScript ran true, closed true, open again later true
#   v24.21.0: opened while JavaScript ran true, closed true, open again later true
#   v26.10.0: opened while JavaScript ran true, closed true, open again later true
# usage: bash findings/inspector-that-was-closed-opens-again.sh
set -euo pipefail
unset NODE_OPTIONS
expected=$(sed -n 's/^#   //p' "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
versions=(20.20.2 22.23.3 24.21.0 26.10.0)
for version in "${versions[@]}"; do
  mkdir "$version"
  echo '{ "private": true, "allowScripts": { "node": true } }' > "$version/package.json"
  (cd "$version" && npm install --silent --no-audit --no-fund --ignore-scripts=false "node@$version")
done

cat > program.cjs <<'PROGRAM'
const inspector = require('node:inspector');

const isOpen = () => inspector.url() !== undefined;
setTimeout(() => {
  process.kill(process.pid, 'SIGUSR1');
  const until = Date.now() + 10_000;
  while (!isOpen() && Date.now() < until);
  const opened = isOpen();
  inspector.close();
  const closed = !isOpen();
  setTimeout(() => {
    console.log(`${process.version}: opened while JavaScript ran ${opened}, closed ${closed}, open again later ${isOpen()}`);
    process.exit();
  }, 1000);
}, 200);
PROGRAM

seen=$(for version in "${versions[@]}"; do "$version/node_modules/node/bin/node" --inspect-port=0 program.cjs 2> /dev/null; done)
echo "$seen"
[ "$seen" = "$expected" ] || { printf 'no longer so, expected was:\n%s\n' "$expected" >&2; exit 1; }
