import { spawnSync } from 'node:child_process';
import net from 'node:net';

/** A port that nobody had a moment ago: real servers do not choose one themselves. */
export function freePort() {
  return new Promise((resolve) => {
    const server = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

export const isInstalled = (command) => spawnSync('sh', ['-c', `command -v ${command}`]).status === 0;

/** Ends the child with this process, which the runner ends by SIGTERM, and tidies up then. */
export function endWith(child, tidy = () => {}) {
  // PostgreSQL ends at once at SIGQUIT, and waits for its clients at SIGTERM.
  process.on('SIGTERM', () => child.kill('SIGQUIT'));
  child.on('exit', () => {
    tidy();
    process.exit(0);
  });
}
