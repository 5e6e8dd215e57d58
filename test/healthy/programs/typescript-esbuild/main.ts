// A server of Fastify in TypeScript, bundled into one file with its packages and a source map.
import Fastify from 'fastify';
import { Inventory } from './inventory.ts';

const inventory = new Inventory(1000);
const app = Fastify();

app.get<{ Params: { id: string } }>('/stock/:id', async ({ params }) => inventory.find(Number(params.id)));
app.get('/stock', async () => inventory.summary());

app.listen({ port: 0, host: '127.0.0.1' }).then((address) => console.log(`listening on ${new URL(address).port}`));
process.once('SIGTERM', () => app.close());
