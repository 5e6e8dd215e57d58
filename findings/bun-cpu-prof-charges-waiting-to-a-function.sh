#!/usr/bin/env bash
# bun --cpu-prof: the .cpuprofile has no (idle) and no (program) node. There are no samples while the program waits,
# and the whole wait is one timeDelta between two samples of functions. By the rules of the format that is time which a
# function used: here a second of setTimeout looks like a second of work. V8's own profiles have samples of (idle)
# there. startTime counts µs since 1970, often with a fraction; V8's clock is monotonic.
# Seen on 2026-11-30 with Bun 1.4.5 (Linux x64):
#   nodes that stand for waiting: none
#   time deltas of a second or more: 1
#   the sample before it: a function
#   the sample after it: a function
#   startTime counts from 1970: true
# usage: bash findings/bun-cpu-prof-charges-waiting-to-a-function.sh [VERSION OF BUN]
set -euo pipefail
expected=$(sed -n 's/^#   //p' "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true }' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts "@oven/bun-linux-x64@${1:-1.4.5}"
bun=./node_modules/@oven/bun-linux-x64/bin/bun

cat > program.ts <<'PROGRAM'
function work(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  let sum = 1;
  while (performance.now() < end) sum += Math.sqrt(sum);
}
work(200);
setTimeout(() => work(200), 1100);
PROGRAM

cat > read.ts <<'PROGRAM'
const { nodes, samples, timeDeltas, startTime } = await Bun.file('seen.cpuprofile').json();
const nameOf = (id: number) => nodes.find((node) => node.id === id).callFrame.functionName;
const isWaiting = (name: string) => ['(idle)', '(program)'].includes(name);
const kindOf = (id: number) => (isWaiting(nameOf(id)) ? 'waiting' : 'a function');
const waits = timeDeltas.flatMap((delta, at) => (delta >= 1e6 ? [at] : []));
const waiting = nodes.map((node) => node.callFrame.functionName).filter(isWaiting);
console.log(`nodes that stand for waiting: ${waiting.join(', ') || 'none'}`);
console.log(`time deltas of a second or more: ${waits.length}`);
console.log(`the sample before it: ${kindOf(samples[waits[0] - 1])}`);
console.log(`the sample after it: ${kindOf(samples[waits[0]])}`);
console.log(`startTime counts from 1970: ${Math.abs(startTime / 1000 - Date.now()) < 3600e3}`);
for (const at of waits) {
  const [before, after] = [nameOf(samples[at - 1]), nameOf(samples[at])];
  console.error(`(${timeDeltas[at]} µs between ${before} and ${after}; startTime ${startTime})`);
}
PROGRAM

echo "Bun $("$bun" --version)"
"$bun" --cpu-prof --cpu-prof-name seen.cpuprofile program.ts
seen=$("$bun" read.ts)
echo "$seen"
[ "$seen" = "$expected" ] || { printf 'no longer so, expected was:\n%s\n' "$expected" >&2; exit 1; }
