// A small load test: visits the server and ends. With --report it also visits the route that blocks.
import { server } from './app.mjs';

const { port } = server.address();
const paths = process.argv.includes('--report') ? ['/', '/report'] : ['/'];
for (let i = 0; i < 20; i++) {
  for (const path of paths) await fetch(`http://localhost:${port}${path}`).then((response) => response.text());
  await new Promise((resolve) => setTimeout(resolve, 50));
}
server.close();
server.closeAllConnections();
