#!/usr/bin/env bash
# Node 24, AsyncLocalStorage.enterWith() in a handler of node:http: listeners of the request's body ('data', 'end') see the
# store on Node 20 and 22, and not on 24 and 26. There the parser keeps the context that the connection had before. A
# middleware that enters its store, and an access log or body parser that reads it when the body ends, lose it by the upgrade.
# Seen on 2026-11-30:
#   v20.20.2: handler seen, data seen, end seen
#   v22.23.3: handler seen, data seen, end seen
#   v24.21.0: handler seen, data lost, end lost
#   v26.10.0: handler seen, data lost, end lost
# usage: bash findings/enter-with-is-not-seen-where-the-body-ends.sh
set -euo pipefail
unset NODE_OPTIONS
expected=$(sed -n 's/^#   //p' "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
versions=(20.20.2 22.23.3 24.21.0 26.10.0)
for version in "${versions[@]}"; do
  mkdir "$version"
  echo '{ "private": true, "allowScripts": { "node": true } }' > "$version/package.json"
  (cd "$version" && npm install --silent --no-audit --no-fund --ignore-scripts=false "node@$version")
done

cat > program.cjs <<'PROGRAM'
const { AsyncLocalStorage } = require('node:async_hooks');
const http = require('node:http');

const storage = new AsyncLocalStorage();
const seen = {};
const note = (place) => {
  seen[place] = storage.getStore() === undefined ? 'lost' : 'seen';
};
const server = http.createServer((request, response) => {
  storage.enterWith({ id: 1 });
  note('handler');
  request.on('data', () => note('data'));
  request.on('end', () => {
    note('end');
    response.end('done');
  });
});
server.listen(0, '127.0.0.1', () => {
  const request = http.request({ port: server.address().port, method: 'POST' }, (response) => {
    response.resume().on('end', () => {
      console.log(`${process.version}: handler ${seen.handler}, data ${seen.data}, end ${seen.end}`);
      process.exit();
    });
  });
  request.write('first');
  setTimeout(() => request.end('last'), 300);
});
PROGRAM

seen=$(for version in "${versions[@]}"; do "$version/node_modules/node/bin/node" program.cjs 2> /dev/null; done)
echo "$seen"
[ "$seen" = "$expected" ] || { printf 'no longer so, expected was:\n%s\n' "$expected" >&2; exit 1; }
