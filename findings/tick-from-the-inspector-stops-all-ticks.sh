#!/usr/bin/env bash
# process.nextTick, called by code that an inspector evaluates, may stop the queue of ticks for good. The evaluation interrupts what runs,
# Node's own processTicksAndRejections as well: if that has just seen that the queue is empty and is about to note so (setHasTickScheduled(false)),
# the tick is in the queue and Node believes there is none. process.nextTick notes a tick only where the queue was empty, so no tick runs any
# more: streams do not end, sockets are not closed. `new Worker()` and others call process.nextTick. Without V8's compilers the gap is wide.
# Seen on 2026-11-30 with Node 20.20, 22.23, 24.21 and 26.10 (Linux x64):
#   ticks run while nothing is evaluated: true
#   ticks run after so many evaluations of process.nextTick: false
# usage: bash findings/tick-from-the-inspector-stops-all-ticks.sh [PATH OF NODE]
set -euo pipefail
expected=$(sed -n 's/^#   //p' "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

cat > program.cjs <<'PROGRAM'
const { Worker } = require('node:worker_threads');
const EVALUATIONS = 20_000;
let ticks = 0;
const tick = () => ticks++;
setImmediate(function storm() {
  process.nextTick(tick);
  setImmediate(storm);
});
// By timers only: nothing here waits for a tick.
const areRunning = (then) => {
  const before = ticks;
  setTimeout(() => then(ticks > before), 200);
};
areRunning((before) => {
  console.log(`ticks run while nothing is evaluated: ${before}`);
  const words = new Int32Array(new SharedArrayBuffer(4));
  new Worker(`
    const { workerData: words } = require('node:worker_threads');
    const { Session } = require('node:inspector');
    const session = new Session();
    session.connectToMainThread();
    const next = () => {
      if (Atomics.add(words, 0, 1) > ${EVALUATIONS}) return;
      session.post('Runtime.evaluate', { expression: 'process.nextTick(() => {})' }, next);
    };
    setInterval(() => {}, 10); // Without it, answers do not come.
    next();
  `, { eval: true, workerData: words });
  setTimeout(function look() {
    areRunning((now) => {
      if (now && words[0] <= EVALUATIONS) return setTimeout(look, 100);
      console.log(`ticks run after so many evaluations of process.nextTick: ${now}`);
      console.error(`(${words[0]} evaluations)`);
      process.reallyExit(0);
    });
  }, 100);
});
PROGRAM

node=${1:-node}
echo "Node $("$node" --version)"
seen=$("$node" --jitless program.cjs 2>said)
echo "$seen"
[ "$seen" = "$expected" ] || { printf 'no longer so, expected was:\n%s\n' "$expected" >&2; exit 1; }
