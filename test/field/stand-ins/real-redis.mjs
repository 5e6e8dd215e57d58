// Debian's redis-server, on a port of its own, keeping nothing.
import { spawn } from 'node:child_process';
import { endWith, freePort, isInstalled } from './real.mjs';

const port = await freePort();
if (!isInstalled('redis-server')) console.log('lacks redis-server');
else {
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
  const redis = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  endWith(redis);
  redis.stdout.setEncoding('utf8').on('data', (text) => {
    if (text.includes('Ready to accept connections')) console.log(`ready ${port}`);
  });
}
