// The same small API as an ordinary fastify app.
import Fastify from 'fastify';
import { serveLoad } from './serve-load.mjs';

const price = { type: 'object', properties: { id: { type: 'integer' }, price: { type: 'integer' } } };
const schema = { response: { 200: { type: 'object', properties: { lines: { type: 'array', items: price } } } } };

const app = Fastify({ keepAliveTimeout: 300_000 });
app.get('/', { schema }, async () => {
  await new Promise((resolve) => setImmediate(resolve));
  return { lines: Array.from({ length: 10 }, (_, id) => ({ id, price: id * 3 })) };
});
await app.listen({ port: 0, host: '127.0.0.1' });
serveLoad(app.server);
