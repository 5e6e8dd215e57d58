// A server in TypeScript, compiled file by file with source maps.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { convert, type Rate, rateOf } from './rates.mts';

type Route = (url: URL) => Promise<Rate | { euros: number }>;

const routes: Record<string, Route> = {
  rates: ({ pathname }) => rateOf(pathname.split('/')[2] ?? ''),
  convert: async ({ searchParams }) => ({ euros: await convert(Number(searchParams.get('amount')), 'USD') }),
};

const server = createServer(async (request, response) => {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const route = routes[url.pathname.split('/')[1] ?? ''];
  if (!route) return response.writeHead(404).end();
  response.setHeader('content-type', 'application/json').end(JSON.stringify(await route(url)));
});
server.listen(0, '127.0.0.1', () => console.log(`listening on ${(server.address() as AddressInfo).port}`));
process.once('SIGTERM', () => server.close());
