#!/usr/bin/env bash
# Node, performance.eventLoopUtilization(): while V8's CPU profiler samples the thread (every millisecond, its default), an
# idle loop reads as nearly nine tenths busy, although the process uses a few hundredths of a core. Waiting for events ends
# early with each of the profiler's signals, and what was waited until then is not counted as idle. So a load figure taken
# while a profile is recorded says nothing; CPU time does.
# Seen on 2026-11-30:
#   v20.20.2: without busy false, profiled busy true, afterwards busy false, used less than a fifth of a core true
#   v22.23.3: without busy false, profiled busy true, afterwards busy false, used less than a fifth of a core true
#   v24.21.0: without busy false, profiled busy true, afterwards busy false, used less than a fifth of a core true
#   v26.10.0: without busy false, profiled busy true, afterwards busy false, used less than a fifth of a core true
# usage: bash findings/utilization-is-wrong-while-v8-profiles.sh
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
const { Session } = require('node:inspector');
const { performance } = require('node:perf_hooks');

setInterval(() => {}, 100);
const session = new Session();
session.connect();
const busy = async () => {
  const before = performance.eventLoopUtilization();
  await new Promise((resolve) => setTimeout(resolve, 2000));
  return performance.eventLoopUtilization(before).utilization > 0.5;
};
const main = async () => {
  await busy(); // the start
  const without = await busy();
  session.post('Profiler.enable');
  session.post('Profiler.start');
  const cpu = process.cpuUsage();
  const profiled = await busy();
  const { user, system } = process.cpuUsage(cpu);
  session.post('Profiler.stop');
  session.post('Profiler.disable');
  const afterwards = await busy();
  const used = `used less than a fifth of a core ${user + system < 400_000}`;
  console.log(`${process.version}: without busy ${without}, profiled busy ${profiled}, afterwards busy ${afterwards}, ${used}`);
  process.exit();
};
main();
PROGRAM

seen=$(for version in "${versions[@]}"; do "$version/node_modules/node/bin/node" program.cjs 2> /dev/null; done)
echo "$seen"
[ "$seen" = "$expected" ] || { printf 'no longer so, expected was:\n%s\n' "$expected" >&2; exit 1; }
