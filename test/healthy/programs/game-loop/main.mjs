// A game server: sixty ticks a second, each moves some thousand bodies and tells every player; a tick that is late is
// not made up for by a burst.
import { WebSocketServer } from 'ws';

const TICK_MS = 1000 / 60;
const BODIES = 3000;
const SHOWN = 20;
const bodies = Array.from({ length: BODIES }, (_, n) => ({ x: n, y: n * 2, vx: Math.sin(n), vy: Math.cos(n) }));
const inputs = [];
let due = performance.now();
let timer;

const game = new WebSocketServer({ port: 0, host: '127.0.0.1' }, () => {
  console.log(`listening on ${game.address().port}`);
});
game.on('connection', (socket) => {
  socket.on('message', (text) => inputs.push({ socket, echo: JSON.parse(text).echo }));
});

function move(body) {
  body.x += body.vx;
  body.y += body.vy;
  if (Math.hypot(body.x, body.y) > BODIES) {
    body.vx = -body.vx;
    body.vy = -body.vy;
  }
}

function tick() {
  bodies.forEach(move);
  for (const { socket, echo } of inputs.splice(0)) socket.send(JSON.stringify({ echo }));
  const state = JSON.stringify({ bodies: bodies.slice(0, SHOWN) });
  for (const player of game.clients) if (player.readyState === player.OPEN) player.send(state);
  due = Math.max(due + TICK_MS, performance.now());
  timer = setTimeout(tick, due - performance.now());
}

tick();
process.once('SIGTERM', () => {
  clearTimeout(timer);
  for (const player of game.clients) player.close();
  game.close();
});
