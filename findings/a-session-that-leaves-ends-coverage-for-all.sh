#!/usr/bin/env bash
# Exact coverage belongs to the thread, not to the inspector session that asked for it. Another session that only reads coverage without changing
# it (Profiler.enable, Profiler.getBestEffortCoverage) and then disconnects turns it off for all: what NODE_V8_COVERAGE writes at the end only says
# whether something ran (a count of 1 at most), no longer how often. Profiler.disable is not needed for that, the disconnect does it.
# The exit code is 0, the file is written, and nothing tells.
# Seen on 2026-11-30 with Node 20.20.2, 22.23.3, 24.21.0 and 26.10.0:
#   alone: early 3, later 5
#   beside a session that came and left: early 1, later 1
# usage: bash findings/a-session-that-leaves-ends-coverage-for-all.sh [PATH OF NODE]
set -euo pipefail
unset NODE_OPTIONS NODE_V8_COVERAGE
node=${1:-node}
expected=$(sed -n 's/^#   //p' "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat > "$folder/program.cjs" <<'PROGRAM'
const { Session } = require('node:inspector');
function early() {}
function later() {}
for (let i = 0; i < 3; i++) early();
if (process.argv[2] === 'visited') {
  const session = new Session();
  session.connect();
  session.post('Profiler.enable');
  session.post('Profiler.getBestEffortCoverage');
  session.disconnect();
}
for (let i = 0; i < 5; i++) later();
PROGRAM
cat > "$folder/counts.cjs" <<'PROGRAM'
const { readdirSync, readFileSync } = require('node:fs');
const folder = process.argv[2];
const { result } = JSON.parse(readFileSync(`${folder}/${readdirSync(folder)[0]}`, 'utf8'));
const functions = result.find(({ url }) => url.endsWith('/program.cjs'))?.functions ?? [];
const count = (name) => functions.find(({ functionName }) => functionName === name)?.ranges[0].count ?? 'not in the file';
console.log(`early ${count('early')}, later ${count('later')}`);
PROGRAM

NODE_V8_COVERAGE="$folder/alone" "$node" "$folder/program.cjs"
NODE_V8_COVERAGE="$folder/visited" "$node" "$folder/program.cjs" visited
seen="alone: $("$node" "$folder/counts.cjs" "$folder/alone")
beside a session that came and left: $("$node" "$folder/counts.cjs" "$folder/visited")"
echo "$seen"
[ "$seen" = "$expected" ] || { printf 'no longer so, expected was:\n%s\n' "$expected" >&2; exit 1; }
