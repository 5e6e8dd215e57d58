// Two worker processes behind one port; the primary only looks after them.
import cluster from 'node:cluster';
import http from 'node:http';

const WORKERS = 2;

function fibonacci(n) {
  return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

function serve() {
  const server = http.createServer((request, response) => {
    const [, route, n] = request.url.split('/');
    const body = route === 'fib' ? { n, value: fibonacci(Number(n)) } : { pid: process.pid };
    response.setHeader('content-type', 'application/json').end(JSON.stringify(body));
  });
  server.listen(0, '127.0.0.1');
}

function supervise() {
  let listening = 0;
  for (let n = 0; n < WORKERS; n++) cluster.fork();
  cluster.on('listening', (_worker, { port }) => {
    if (++listening === WORKERS) console.log(`listening on ${port}`);
  });
  process.once('SIGTERM', () => cluster.disconnect());
}

if (cluster.isPrimary) supervise();
else serve();
