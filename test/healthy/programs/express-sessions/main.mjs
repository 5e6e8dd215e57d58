// Express with JSON bodies and sessions: a cookie, a store that is bounded and swept, an asynchronous handler.
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import express from 'express';

const SESSIONS_KEPT = 1000;
const SESSION_MS = 60_000;
const SWEEP_EVERY_MS = 1000;
const LINES_KEPT = 50;
const sessions = new Map();
const randomBytesOf = promisify(randomBytes);

async function session(request, response, next) {
  let id = /sid=([\da-f]+)/.exec(request.headers.cookie ?? '')?.[1];
  if (!sessions.has(id)) {
    id = (await randomBytesOf(16)).toString('hex');
    response.cookie('sid', id, { httpOnly: true });
    sessions.set(id, { lines: [] });
    if (sessions.size > SESSIONS_KEPT) sessions.delete(sessions.keys().next().value);
  }
  request.session = sessions.get(id);
  request.session.seenMs = Date.now();
  next();
}

const sweeping = setInterval(() => {
  for (const [id, { seenMs }] of sessions) if (seenMs < Date.now() - SESSION_MS) sessions.delete(id);
}, SWEEP_EVERY_MS);

const app = express();
app.use(express.json({ limit: '100kb' }), session);
app.get('/cart', ({ session }, response) => response.json(session.lines));
app.post('/cart', async ({ session, body }, response) => {
  await delay(3); // the warehouse is asked
  session.lines = [...session.lines, ...body.lines].slice(-LINES_KEPT);
  response.status(201).json({ lines: session.lines.length });
});
app.get('/cart/total', ({ session }, response) => {
  response.json({ total: session.lines.reduce((sum, { amount, price }) => sum + amount * price, 0) });
});

const server = app.listen(0, '127.0.0.1', () => console.log(`listening on ${server.address().port}`));
process.once('SIGTERM', () => {
  clearInterval(sweeping);
  server.close();
});
