// Takes JSON of 15 kB, copies it about as one does, and answers with more of it: garbage collection has its share of
// the time, and each collection is short.
import http from 'node:http';

function enrich(orders) {
  return orders
    .map((order) => ({ ...order, lines: order.lines.map((line) => ({ ...line, sum: line.amount * line.price })) }))
    .map((order) => ({ ...order, total: order.lines.reduce((total, { sum }) => total + sum, 0) }))
    .map((order) => ({ ...order, words: order.customer.split(' ').map((word) => word.toUpperCase()) }))
    .filter(({ total }) => total > 0);
}

async function bodyOf(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks).toString('utf8'));
}

const server = http.createServer(async (request, response) => {
  try {
    const orders = await bodyOf(request);
    const rounds = Array.from({ length: 2 }, () => enrich(structuredClone(orders)));
    response.setHeader('content-type', 'application/json').end(JSON.stringify(rounds));
  } catch (error) {
    response.writeHead(400).end(String(error));
  }
});
server.listen(0, '127.0.0.1', () => console.log(`listening on ${server.address().port}`));
process.once('SIGTERM', () => server.close());
