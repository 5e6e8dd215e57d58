#!/usr/bin/env bash
# jest 30: the `process` of a test file is a copy, also the one from require('node:process'). What a test sets or
# listens to there does not reach Node: a listener for 'warning' hears nothing, not even from emitWarning() of the same
# object, and process.noDeprecation = true silences nothing. Node prints the warnings as if neither were there.
# Seen on 2026-11-30 with jest 30.5.2 in Node 24.21.0:
#   node: heard "own", heard "old"; with noDeprecation: silent
#   jest: heard nothing; with noDeprecation: printed
# usage: bash findings/jest-tests-listen-on-a-copy-of-process.sh [VERSION OF JEST]
set -euo pipefail
unset NODE_OPTIONS
expected=$(sed -n 's/^#   //p' "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true, "allowScripts": { "node": true } }' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts=false node@24.21.0 "jest@${1:-30.5.2}"
node=./node_modules/node/bin/node

cat > program.cjs <<'PROGRAM'
const process = require('node:process');
const { deprecate } = require('node:util');

/** What a listener heard of two warnings; a third is silenced by noDeprecation, or printed by Node to stderr. */
module.exports = async function hear() {
  const heard = [];
  process.on('warning', ({ message }) => heard.push(`heard "${message}"`));
  process.emitWarning('own');
  deprecate(() => {}, 'old', 'OLD_1')();
  await new Promise((resolve) => setTimeout(resolve, 100));
  process.noDeprecation = true;
  deprecate(() => {}, 'to be silenced', 'OLD_2')();
  await new Promise((resolve) => setTimeout(resolve, 100));
  return heard.join(', ') || 'heard nothing';
};
if (require.main === module) module.exports().then((heard) => require('node:fs').writeFileSync('heard.txt', heard));
PROGRAM
cat > program.test.cjs <<'PROGRAM'
test('warnings', async () => require('node:fs').writeFileSync('heard.txt', await require('./program.cjs')()));
PROGRAM
echo "module.exports = { testMatch: ['**/*.test.cjs'] };" > jest.config.cjs

outcome() { grep -q 'to be silenced' "$1" && echo printed || echo silent; }
"$node" program.cjs 2> node.txt
alone="node: $(cat heard.txt); with noDeprecation: $(outcome node.txt)"
"$node" node_modules/jest/bin/jest.js 2> jest.txt
tested="jest: $(cat heard.txt); with noDeprecation: $(outcome jest.txt)"
echo "jest $("$node" node_modules/jest/bin/jest.js --version), Node $("$node" --version)"
grep -h Warning jest.txt
seen=$(printf '%s\n%s' "$alone" "$tested")
echo "$seen"
[ "$seen" = "$expected" ] || { printf 'no longer so, expected was:\n%s\n' "$expected" >&2; exit 1; }
