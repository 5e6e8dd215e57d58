#!/usr/bin/env bash
# V8: Error.prepareStackTrace is not called for a stack that is taken while another stack is being formatted, even if a
# function has just been installed for it. The inner stack is silently V8's text instead. The usual way to get call
# sites (install a function that returns them, read `.stack`, put the old one back) gives an array everywhere, but a
# string when it is used inside somebody's prepareStackTrace.
# Seen on 2026-11-30 with Node 26.10.0, and the same with 20.20.2, 22.23.3 and 24.21.0:
#   call sites, asked by the program: object
#   call sites, asked while a stack is formatted: string
# usage: bash findings/prepare-stack-trace-does-not-nest.sh [VERSION OF NODE]
set -euo pipefail
unset NODE_OPTIONS
expected=$(sed -n 's/^#   //p' "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true, "allowScripts": { "node": true } }' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts=false "node@${1:-26.10.0}"
node=./node_modules/node/bin/node

cat > program.cjs <<'PROGRAM'
function callSites() {
  const before = Error.prepareStackTrace;
  Error.prepareStackTrace = (_error, sites) => sites;
  const { stack } = new Error('where am I');
  Error.prepareStackTrace = before;
  return stack;
}

console.log(`call sites, asked by the program: ${typeof callSites()}`);

// What a source map library does: it formats the stacks of all errors.
Error.prepareStackTrace = (error, sites) => {
  console.log(`call sites, asked while a stack is formatted: ${typeof callSites()}`);
  return `${error}\n${sites.join('\n')}`;
};
void new Error('an error of the application').stack;
PROGRAM

echo "Node $("$node" --version)"
seen=$("$node" program.cjs)
echo "$seen"
[ "$seen" = "$expected" ] || { printf 'no longer so, expected was:\n%s\n' "$expected" >&2; exit 1; }
