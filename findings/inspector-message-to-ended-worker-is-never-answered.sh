#!/usr/bin/env bash
# Inspector, NodeWorker.sendMessageToWorker: a message to a worker that has ended is accepted without an error, and no
# answer ever comes. The same happens with a session id that never existed. A client must watch
# NodeWorker.detachedFromWorker to learn that it waits in vain; one would expect an error.
# Seen on 2026-11-30 with Node 26.10.0, and the same with 20.20.2, 22.23.3 and 24.21.0:
#   worker that runs: accepted, answered
#   worker that has ended: accepted, not answered
#   session that never was: accepted, not answered
# usage: bash findings/inspector-message-to-ended-worker-is-never-answered.sh [VERSION OF NODE]
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
const { once } = require('node:events');
const { Session } = require('node:inspector/promises');
const { setTimeout: sleep } = require('node:timers/promises');
const { Worker } = require('node:worker_threads');

const session = new Session();
session.connect();
const answered = new Set();
session.on('NodeWorker.receivedMessageFromWorker', ({ params }) => answered.add(params.sessionId));

async function start() {
  const attached = once(session, 'NodeWorker.attachedToWorker');
  const worker = new Worker('setInterval(() => {}, 1000)', { eval: true });
  const [{ params }] = await attached;
  return { worker, sessionId: params.sessionId };
}

function ask(sessionId) {
  const message = JSON.stringify({ id: 1, method: 'Runtime.evaluate', params: { expression: '1' } });
  return session.post('NodeWorker.sendMessageToWorker', { sessionId, message }).then(() => 'accepted', () => 'refused');
}

async function main() {
  await session.post('NodeWorker.enable', { waitForDebuggerOnStart: false });
  const ended = await start();
  const running = await start();
  const detached = once(session, 'NodeWorker.detachedFromWorker');
  await Promise.all([ended.worker.terminate(), detached]);
  const endedReply = await ask(ended.sessionId);
  const unknownReply = await ask('99');
  const runningReply = await ask(running.sessionId); // asked last
  while (!answered.has(running.sessionId)) await sleep(100);
  await sleep(1000); // the others get a second more
  const outcome = (id) => (answered.has(id) ? 'answered' : 'not answered');
  console.log(`worker that runs: ${runningReply}, ${outcome(running.sessionId)}`);
  console.log(`worker that has ended: ${endedReply}, ${outcome(ended.sessionId)}`);
  console.log(`session that never was: ${unknownReply}, ${outcome('99')}`);
  process.exit();
}
main();
PROGRAM

echo "Node $("$node" --version)"
seen=$("$node" program.cjs)
echo "$seen"
[ "$seen" = "$expected" ] || { printf 'no longer so, expected was:\n%s\n' "$expected" >&2; exit 1; }
