#!/usr/bin/env bash
# node --test: a test file has some two dozen flags in process.execArgv that nobody gave: options with their default
# values. Handing process.execArgv on to a worker, as a pool may do to keep the program's flags, throws there, because
# several of them are options of the whole process. On Node 20 and 22 execArgv is empty.
# Seen on 2026-11-30 with Node 26.10.0, and the same with 24.21.0:
#   node FILE: no flags in execArgv, the worker starts
#   node --test FILE: flags in execArgv, ERR_WORKER_INVALID_EXEC_ARGV
# usage: bash findings/node-test-exec-argv-is-refused-by-worker.sh [VERSION OF NODE]
set -euo pipefail
unset NODE_OPTIONS NODE_TEST_CONTEXT
expected=$(sed -n 's/^#   //p' "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true, "allowScripts": { "node": true } }' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts=false "node@${1:-26.10.0}"
node=./node_modules/node/bin/node

cat > program.test.cjs <<'PROGRAM'
const { writeFileSync } = require('node:fs');
const { Worker } = require('node:worker_threads');

const lines = [`${process.execArgv.length ? 'flags' : 'no flags'} in execArgv`];
try {
  new Worker('', { eval: true, execArgv: process.execArgv });
  lines.push('the worker starts');
} catch (error) {
  lines.push(error.code);
}
writeFileSync('seen.txt', lines.join(', '));
writeFileSync('flags.txt', process.execArgv.join('\n'));
PROGRAM

echo "Node $("$node" --version)"
"$node" program.test.cjs
alone="node FILE: $(cat seen.txt)"
"$node" --test program.test.cjs > report.txt
tested="node --test FILE: $(cat seen.txt)"
echo "the flags under --test:"
sed 's/^/  /' flags.txt
seen=$(printf '%s\n%s' "$alone" "$tested")
printf '\n%s\n' "$seen"
[ "$seen" = "$expected" ] || { printf 'no longer so, expected was:\n%s\n' "$expected" >&2; exit 1; }
