// Two thousand sessions with a time-out of 30 s each. Every request refreshes one, and sets and clears short ones as
// calls with a deadline do: many timers, few of which ever fire.
import http from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';

const SESSIONS = 2000;
const SESSION_MS = 30_000;
const DEADLINE_MS = 2000;
const CALLS = 5;
const sessions = new Map();

function touch(id) {
  const session = sessions.get(id);
  if (session) {
    session.timer.refresh();
    session.touched++;
  } else {
    sessions.set(id, { touched: 1, timer: setTimeout(() => sessions.delete(id), SESSION_MS).unref() });
  }
}

async function withDeadline(work) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error('too late')), DEADLINE_MS);
  });
  try {
    return await Promise.race([work(), late]);
  } finally {
    clearTimeout(timer);
  }
}

for (let id = 0; id < SESSIONS; id++) touch(id);

const server = http.createServer(async (request, response) => {
  const id = Number(request.url.split('/')[2]) % SESSIONS;
  touch(id);
  for (let call = 0; call < CALLS; call++) await withDeadline(() => nextTurn());
  response.end(String(sessions.get(id).touched));
});
server.listen(0, '127.0.0.1', () => console.log(`listening on ${server.address().port}`));
process.once('SIGTERM', () => server.close());
