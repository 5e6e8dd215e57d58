#!/usr/bin/env bash
# Node 22, 24 and 26, async_hooks: a script of node:vm whose timeout is over, or a worker thread that is terminated, goes on
# where the termination comes while Node's C++ calls an `init` hook for a MessagePort: only the hook ends. The script then
# runs to its end, or for ever. Not each time: it may also end in Node's own code around the hook. Node 20 ends it.
# Seen on 2026-11-30 with Node 20.20.2, 22.23.3, 24.21.0 and 26.10.0:
#   v20.20.2 timeouts of 50 to 100 ms: end each script
#   v22.23.3 timeouts of 50 to 100 ms: some scripts run to their end
#   v24.21.0 timeouts of 50 to 100 ms: some scripts run to their end
#   v26.10.0 timeouts of 50 to 100 ms: some scripts run to their end
# usage: bash findings/termination-in-async-hook-is-swallowed.sh
set -euo pipefail
unset NODE_OPTIONS
expected=$(sed -n 's/^#   //p' "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
VERSIONS='20.20.2 22.23.3 24.21.0 26.10.0'
for version in $VERSIONS; do
  mkdir "$version"
  echo '{ "private": true, "allowScripts": { "node": true } }' > "$version/package.json"
  (cd "$version" && npm install --silent --no-audit --no-fund --ignore-scripts=false "node@$version")
done

cat > program.cjs <<'PROGRAM'
const { createHook } = require('node:async_hooks');
const vm = require('node:vm');

const spin = (ms) => { for (const end = performance.now() + ms; performance.now() < end; ); };
// Nearly all the time of the script is spent in the hook, so that its end comes there.
createHook({ init() { spin(5); } }).enable();
let late = 0;
for (let ms = 50; ms < 100; ms += 7) {
  const from = performance.now();
  try {
    vm.runInNewContext('for (let i = 0; i < 100; i++) new MessageChannel();', { MessageChannel }, { timeout: ms });
  } catch (error) {
    if (error.code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error;
  }
  // A hundred channels are a second.
  if (performance.now() - from > 900) late++;
}
console.log(`${process.version} timeouts of 50 to 100 ms: ${late > 0 ? 'some scripts run to their end' : 'end each script'}`);
process.exit();
PROGRAM

seen=$(for version in $VERSIONS; do "$version/node_modules/node/bin/node" program.cjs; done)
echo "$seen"
[ "$seen" = "$expected" ] || { printf 'no longer so, expected was:\n%s\n' "$expected" >&2; exit 1; }
