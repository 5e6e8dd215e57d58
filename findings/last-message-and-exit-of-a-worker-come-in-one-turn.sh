#!/usr/bin/env bash
# `await once(worker, 'message'); await once(worker, 'exit')` goes on by luck. When a worker thread posts a message and ends while the main thread
# is busy, the message and 'exit' can come within the same turn, before the first await has resumed: 'exit' is over by then, the second await
# waits for ever, and the program ends early with code 0, as nothing keeps it alive. Asking for 'exit' before awaiting anything is the cure.
# Seen on 2026-11-30 with Node 20.20.2, 22.23.3, 24.21.0 and 26.10.0:
#   busy main thread: message, then nothing
#   busy main thread, exit asked for before: message, exit
# usage: bash findings/last-message-and-exit-of-a-worker-come-in-one-turn.sh [PATH OF NODE]
set -euo pipefail
unset NODE_OPTIONS
node=${1:-node}
expected=$(sed -n 's/^#   //p' "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat > "$folder/program.cjs" <<'PROGRAM'
const { once } = require('node:events');
const { Worker } = require('node:worker_threads');

const seen = [];
process.on('exit', () => console.log(seen.length === 2 ? seen.join(', ') : `${seen}, then nothing`));
(async () => {
  const worker = new Worker("require('node:worker_threads').parentPort.postMessage('done')", { eval: true });
  const ended = process.argv[2] === 'before' ? once(worker, 'exit') : null;
  setTimeout(() => {
    for (const end = Date.now() + 1500; Date.now() < end; );
  }, 1);
  await once(worker, 'message');
  seen.push('message');
  await (ended ?? once(worker, 'exit'));
  seen.push('exit');
})();
PROGRAM

seen="busy main thread: $("$node" "$folder/program.cjs")
busy main thread, exit asked for before: $("$node" "$folder/program.cjs" before)"
echo "$seen"
[ "$seen" = "$expected" ] || { printf 'no longer so, expected was:\n%s\n' "$expected" >&2; exit 1; }
