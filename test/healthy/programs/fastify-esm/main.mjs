// Fastify with schemas for input and output, a hook, a plugin and an asynchronous store.
import { readFile, writeFile } from 'node:fs/promises';
import Fastify from 'fastify';

const ORDERS_KEPT = 2000;
const line = {
  type: 'object',
  required: ['sku', 'amount'],
  properties: { sku: { type: 'string' }, amount: { type: 'integer', minimum: 1 }, price: { type: 'integer' } },
};
const order = {
  type: 'object',
  required: ['customer', 'lines'],
  properties: { customer: { type: 'string' }, lines: { type: 'array', items: line } },
};

async function orders(app) {
  const kept = new Map();
  let created = 0;
  app.post('/', { schema: { body: order } }, async (request, reply) => {
    const id = created++ % ORDERS_KEPT;
    kept.set(id, request.body);
    await writeFile(`order-${id % 10}.json`, JSON.stringify(request.body));
    return reply.code(201).send({ id });
  });
  app.get('/:id', { schema: { response: { 200: order } } }, async ({ params }) => {
    const { lines = [] } = kept.get(Number(params.id) % ORDERS_KEPT) ?? {};
    return { customer: await readFile('customer.txt', 'utf8'), lines };
  });
}

await writeFile('customer.txt', 'somebody');
const app = Fastify();
app.addHook('onSend', async (_request, reply) => void reply.header('x-elapsed', reply.elapsedTime.toFixed(1)));
app.get('/health', async () => ({ healthy: true }));
app.register(orders, { prefix: '/orders' });
await app.listen({ port: 0, host: '127.0.0.1' });
console.log(`listening on ${app.server.address().port}`);
process.once('SIGTERM', () => app.close());
