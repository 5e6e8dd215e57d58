#!/usr/bin/env bash
# process.nextTick() becomes several times slower for good after a full collection at a moment when no tick waits, as the one that V8 does
# while a process idles. Node makes the object of a tick by a literal with computed keys ([async_id_symbol]: ...), for which V8 remembers one
# hidden class, weakly. Once that is collected, the next object has a new one, V8 takes the place for one that sees many classes, and makes each
# object by a call of its runtime (DefineKeyedOwnPropertyInLiteral). Whoever keeps one such object, by executionAsyncResource(), keeps the class,
# and ticks stay fast. A server that answers in 20 µs makes some ten ticks for it, so it loses a tenth; and of two equal processes in a comparison
# the one that idled first is the slower one.
# Seen on 2026-11-30 with Node 20.20.2, 22.23.3, 24.21.0 and 26.10.0:
#   slower after a collection: true
#   slower after a collection where a tick is kept: false
# usage: bash findings/next-tick-is-slower-after-a-collection.sh [PATH OF NODE]
set -euo pipefail
unset NODE_OPTIONS
node=${1:-node}
expected=$(sed -n 's/^#   //p' "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat > "$folder/program.cjs" <<'PROGRAM'
const { executionAsyncResource } = require('node:async_hooks');

const ticks = (count) =>
  new Promise((done) => {
    let left = count;
    const tick = () => (--left > 0 ? process.nextTick(tick) : done());
    setImmediate(tick);
  });

/** Of many short runs: others have the core in some of them. */
async function fastest() {
  let least = Infinity;
  for (let run = 0; run < 30; run++) {
    const from = performance.now();
    await ticks(10_000);
    least = Math.min(least, performance.now() - from);
  }
  return least;
}

let kept;
async function main() {
  if (process.argv[2] === 'keep') process.nextTick(() => { kept = executionAsyncResource(); });
  const before = await fastest();
  for (let collection = 0; collection < 3; collection++) {
    await new Promise((done) => setTimeout(done, 5));
    gc();
  }
  console.log((await fastest()) > 2.5 * before);
  return kept;
}
main();
PROGRAM

seen="slower after a collection: $("$node" --expose-gc "$folder/program.cjs")
slower after a collection where a tick is kept: $("$node" --expose-gc "$folder/program.cjs" keep)"
echo "$seen"
[ "$seen" = "$expected" ] || { printf 'no longer so, expected was:\n%s\n' "$expected" >&2; exit 1; }
