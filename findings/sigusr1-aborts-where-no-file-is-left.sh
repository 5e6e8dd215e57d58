#!/usr/bin/env bash
# SIGUSR1 opens Node's inspector. Where the process has reached its limit of open files, the thread of the inspector cannot make its loop, and
# Node aborts: "Assertion failed: (err) == (0)" in InspectorIo::ThreadMain. With some ten files left it works; in between it says "too many open files".
# Seen on 2026-11-30 with Node 20.20, 22.23, 24.21 and 26.10 (Linux x64):
#   with no file left: ended by SIGABRT
#   with 30 files left: goes on
# usage: bash findings/sigusr1-aborts-where-no-file-is-left.sh [PATH OF NODE]
set -euo pipefail
expected=$(sed -n 's/^#   //p' "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

cat > program.cjs <<'PROGRAM'
const { openSync, closeSync } = require('node:fs');
const held = [];
try {
  for (;;) held.push(openSync('/dev/null'));
} catch {}
for (let i = 0; i < Number(process.argv[2]); i++) closeSync(held.pop());
setInterval(() => {}, 1000);
process.kill(process.pid, 'SIGUSR1');
setTimeout(() => process.exit(0), 3000);
PROGRAM

node=$(command -v "${1:-node}")
echo "Node $("$node" --version)"
outcome() {
  local code=0
  bash -c 'ulimit -c 0; ulimit -n 100; exec "$@"' bash "$node" --inspect-port=0 program.cjs "$1" 2>said || code=$?
  case $code in
    0) echo 'goes on' ;;
    134) echo 'ended by SIGABRT' ;;
    *) echo "ended with $code" ;;
  esac
}
seen="with no file left: $(outcome 0)
with 30 files left: $(outcome 30)"
echo "$seen"
[ "$seen" = "$expected" ] || { printf 'no longer so, expected was:\n%s\n' "$expected" >&2; exit 1; }
