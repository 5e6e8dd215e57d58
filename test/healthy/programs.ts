import type { HealthyProgram, Load } from '../support/healthy.ts';

type Requests = NonNullable<Load['requests']>;

function http(perSecond: number, requests: readonly (string | Requests[number])[], more: Partial<Load> = {}): Load {
  const all = requests.map((request) => (typeof request === 'string' ? { path: request } : request));
  return { protocol: 'http', connections: 10, perSecond, requests: all, ...more };
}

const order = { customer: 'customer {i}', lines: [{ sku: 'A-{i}', amount: 2, price: 995 }] };

/** Every program is healthy: an alarm about one of them is a false alarm. The heads of their files say what they probe. */
export const programs: readonly HealthyProgram[] = [
  { id: 'async-local-storage', main: 'main.mjs', load: http(200, ['/orders/{i}', '/profile']) },
  { id: 'audit-log', main: 'main.mjs', load: http(100, ['/orders/{i}', '/profile']), atLeast: 100 },
  { id: 'background-yield', main: 'main.mjs', load: http(100, ['/search?q=word{i}']) },
  { id: 'batch-importer', main: 'main.mjs', atLeast: 60_000 },
  { id: 'big-dataset', main: 'main.mjs', load: http(200, ['/cities/{i}', '/near/{i}']) },
  { id: 'bounded-queue', main: 'main.mjs', atLeast: 1500 },
  { id: 'careful-client', main: 'main.mjs', atLeast: 300 },
  { id: 'cli-build', main: 'main.mjs', atLeast: 12 },
  { id: 'cli-compute', main: 'main.cjs', atLeast: 1 },
  { id: 'cli-progress', main: 'main.mjs', atLeast: 1 },
  { id: 'cluster-two', main: 'main.mjs', load: http(200, ['/', '/fib/20']) },
  { id: 'comment-threads', main: 'main.mjs', load: http(200, ['/threads/{i}']) },
  { id: 'csv-batch', main: 'main.mjs', atLeast: 400_000 },
  { id: 'data-loader', main: 'main.mjs', load: http(250, ['/authors/{i}']) },
  { id: 'express-plain', main: 'main.cjs', load: http(200, ['/', '/users/{i}', '/users?page={i}']) },
  {
    id: 'express-sessions',
    main: 'main.mjs',
    load: http(150, ['/cart', { method: 'POST', path: '/cart', body: order }, '/cart/total']),
  },
  {
    id: 'fastify-esm',
    main: 'main.mjs',
    load: http(250, ['/health', '/orders/{i}', { method: 'POST', path: '/orders', body: order }]),
  },
  { id: 'fork-ipc', main: 'main.mjs', atLeast: 15 },
  { id: 'game-loop', main: 'main.mjs', load: { protocol: 'ws', connections: 15, perSecond: 150 } },
  { id: 'graceful-shutdown', main: 'main.mjs', load: http(60, ['/report/{i}']), stop: 'in-flight' },
  { id: 'half-busy', main: 'main.mjs', load: http(400, ['/table'], { connections: 2 }), atLeast: 100 },
  { id: 'http-keep-alive', main: 'main.cjs', load: http(300, ['/', '/app.js', '/style.css']) },
  { id: 'idler', main: 'main.mjs', stopAfterSeconds: 5, atLeast: 3 },
  {
    id: 'json-api',
    main: 'main.mjs',
    load: http(80, [{ method: 'POST', path: '/enrich', body: Array(150).fill(order) }]),
  },
  { id: 'koa', main: 'main.mjs', load: http(200, ['/', '/articles/{i}']) },
  {
    id: 'long-polling',
    main: 'main.mjs',
    load: http(100, ['/events?client={i}'], { connections: 20, restRatio: 0 }),
    atLeast: 20,
  },
  { id: 'lru-server', main: 'main.mjs', load: http(200, ['/thumbnails?from={i}']) },
  { id: 'one-connection', main: 'main.mjs', atLeast: 60 },
  { id: 'piscina', main: 'main.mjs', load: http(8, ['/primes/{i}'], { connections: 4 }), atLeast: 4 },
  { id: 'pubsub', main: 'main.mjs', atLeast: 10_000 },
  { id: 'readline-generators', main: 'main.mjs', atLeast: 600_000 },
  { id: 'scheduler', main: 'main.mjs', stopAfterSeconds: 5, atLeast: 500 },
  {
    id: 'server-sent-events',
    main: 'main.mjs',
    load: http(20, [{ path: '/events', abortAfterMs: 1000 }, '/'], { connections: 20 }),
    atLeast: 20,
  },
  { id: 'session-timers', main: 'main.mjs', load: http(250, ['/touch/{i}']) },
  {
    id: 'sqlite',
    main: 'main.mjs',
    load: http(150, ['/products/{i}', { method: 'POST', path: '/orders', body: order }]),
    needs: 'node:sqlite',
  },
  { id: 'start-up-heavy', main: 'main.cjs', load: http(100, ['/settings/{i}']) },
  { id: 'stream-pipeline', main: 'main.mjs', atLeast: 3 },
  { id: 'tcp-echo', main: 'main.mjs', load: { protocol: 'tcp', connections: 15, perSecond: 400 } },
  { id: 'tree-walk', main: 'main.mjs', atLeast: 1000 },
  { id: 'typescript-esbuild', main: 'main.ts', build: 'esbuild', load: http(200, ['/stock/{i}', '/stock']) },
  { id: 'typescript-tsc', main: 'main.mts', build: 'tsc', load: http(200, ['/rates/EUR', '/convert?amount={i}']) },
  { id: 'udp-echo', main: 'main.mjs', load: { protocol: 'udp', connections: 15, perSecond: 400 } },
  { id: 'undici-pool', main: 'main.mjs', load: http(120, ['/products/{i}']) },
  { id: 'warm-pool', main: 'main.mjs', atLeast: 840 },
  { id: 'worker-messages', main: 'main.mjs', load: http(20, ['/histogram/{i}'], { connections: 4 }) },
  { id: 'worker-pool-jobs', main: 'main.mjs', load: http(80, ['/words/{i}'], { connections: 4 }) },
  { id: 'ws-broadcast', main: 'main.mjs', load: { protocol: 'ws', connections: 15, perSecond: 150 } },
  { id: 'ws-fan-out', main: 'main.mjs', load: { protocol: 'ws', connections: 20, perSecond: 60 } },
];
