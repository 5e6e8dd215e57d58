#!/usr/bin/env bash
# Node 26, process.getActiveResourcesInfo(): while a small file is read with readFile the process stays alive, but the
# list of "resources that are currently keeping the event loop alive" does not have it. Node 24 lists it, and both list
# other file operations. (On 26 a large file is missing at first and is listed later.) A tool that asks what a process
# is waiting for gets the answer: nothing.
# Seen on 2026-11-30 with Node 24.21.0 (as 20.20.2 and 22.23.3) and 26.10.0:
#   v24.21.0 fs.stat: FSReqCallback
#   v24.21.0 fs.readFile: FSReqCallback
#   v24.21.0 fs.promises.readFile: FSReqPromise
#   v26.10.0 fs.stat: FSReqCallback
#   v26.10.0 fs.readFile: nothing
#   v26.10.0 fs.promises.readFile: nothing
# usage: bash findings/pending-read-file-is-no-active-resource.sh
set -euo pipefail
unset NODE_OPTIONS
expected=$(sed -n 's/^#   //p' "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
for version in 24.21.0 26.10.0; do
  mkdir "$version"
  echo '{ "private": true, "allowScripts": { "node": true } }' > "$version/package.json"
  (cd "$version" && npm install --silent --no-audit --no-fund --ignore-scripts=false "node@$version")
done

cat > program.cjs <<'PROGRAM'
const fs = require('node:fs');

const OPERATIONS = {
  'fs.stat': (done) => fs.stat(__filename, done),
  'fs.readFile': (done) => fs.readFile(__filename, done),
  'fs.promises.readFile': (done) => fs.promises.readFile(__filename).then(() => done()),
};

/** All names that were in the list at any time between the call and its end. */
async function namesWhilePending(start) {
  const names = new Set();
  let pending = true;
  start(() => {
    pending = false;
  });
  while (pending) {
    for (const name of process.getActiveResourcesInfo()) names.add(name);
    await new Promise(setImmediate);
  }
  names.delete('Immediate'); // this loop's
  names.delete('CloseReq'); // of the file handle, at the end
  return [...names].sort().join(', ') || 'nothing';
}

async function main() {
  for (const [name, start] of Object.entries(OPERATIONS)) {
    console.log(`${process.version} ${name}: ${await namesWhilePending(start)}`);
  }
}
main();
PROGRAM

# No standard streams: an open pipe would be listed too.
for version in 24.21.0 26.10.0; do
  "$version/node_modules/node/bin/node" program.cjs < /dev/null > "$version.txt"
done
seen=$(cat 24.21.0.txt 26.10.0.txt)
echo "$seen"
[ "$seen" = "$expected" ] || { printf 'no longer so, expected was:\n%s\n' "$expected" >&2; exit 1; }
