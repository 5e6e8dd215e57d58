// GET / answers at once, GET /report blocks the event loop.
import { pbkdf2Sync } from 'node:crypto';
import { createServer } from 'node:http';

function signReport() {
  return pbkdf2Sync('report', 'salt', 1_500_000, 64, 'sha512').toString('hex');
}

const server = createServer((request, response) => {
  response.end(request.url === '/report' ? signReport() : 'hello');
});
server.listen(process.env.PORT ?? 3000, () => console.log(`http://localhost:${server.address().port}`));
process.once('SIGTERM', () => server.close());
