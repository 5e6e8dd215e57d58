#!/usr/bin/env bash
# deno run --cpu-prof with TypeScript: the url and the line of callFrame are those of the source, but positionTicks of
# the same node count lines of the transpiled code, which has no types and no blank lines. Nothing in the file says so.
# A tool that marks the hot lines of the source marks the wrong ones, here a line of an interface.
# Seen on 2026-11-30 with Deno 2.9.6 (Linux x64):
#   callFrame: work is in line 9
#   the loop of work is in line 12
#   positionTicks: most are in line 4
#   line 4 of the source:   second: string;
# usage: bash findings/deno-position-ticks-are-lines-of-transpiled-code.sh [VERSION OF DENO]
set -euo pipefail
expected=$(sed -n 's/^#   //p' "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true }' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts "@deno/linux-x64-glibc@${1:-2.9.6}"
deno=./node_modules/@deno/linux-x64-glibc/deno
export DENO_DIR="$folder/cache" DENO_NO_UPDATE_CHECK=1

cat > program.ts <<'PROGRAM'
/** The shape of what is counted. */
interface Row {
  first: string;
  second: string;
  third: string;
  count: number;
}

function work(row: Row): number {
  const end = performance.now() + 500;
  let sum = row.count;
  while (performance.now() < end) sum += Math.sqrt(sum); // the loop
  return sum;
}

work({ first: '', second: '', third: '', count: 1 });
PROGRAM

cat > read.ts <<'PROGRAM'
const { nodes } = JSON.parse(Deno.readTextFileSync('seen.cpuprofile'));
const source = Deno.readTextFileSync('program.ts').split('\n');
const inWork = nodes.filter((node) => node.callFrame.functionName === 'work');
const ticksAt: Record<number, number> = {};
for (const { line, ticks } of inWork.flatMap((node) => node.positionTicks)) {
  ticksAt[line] = (ticksAt[line] ?? 0) + ticks;
}
const [[hottest]] = Object.entries(ticksAt).sort(([, a], [, b]) => b - a);
console.log(`callFrame: work is in line ${inWork[0].callFrame.lineNumber + 1}`); // 0-based, positionTicks are 1-based
console.log(`the loop of work is in line ${source.findIndex((line) => line.endsWith('// the loop')) + 1}`);
console.log(`positionTicks: most are in line ${hottest}`);
console.log(`line ${hottest} of the source: ${source[Number(hottest) - 1]}`);
PROGRAM

"$deno" --version
"$deno" run --cpu-prof --cpu-prof-name=seen.cpuprofile program.ts
seen=$("$deno" run --no-check --allow-read read.ts)
echo "$seen"
[ "$seen" = "$expected" ] || { printf 'no longer so, expected was:\n%s\n' "$expected" >&2; exit 1; }
