import { Agent, createServer, get as httpGet } from 'node:http';
import type { AddressInfo, Server } from 'node:net';

/** A path that fails: the connection is closed in place of an answer. */
export const FAILING = '/fail';
const ANSWER = 'done';
const HOST = '127.0.0.1';

export function urlOf(port: number, path: string): string {
  return `http://${HOST}:${port}${path}`;
}

/** Answers each request after the delay, and fails after half of it. Resolves to its port. */
export function startUpstream(delayMs: number): Promise<number> {
  const server = createServer((request, response) => {
    if (request.url === FAILING) setTimeout(() => request.socket.destroy(), delayMs / 2);
    else setTimeout(() => response.end(ANSWER), delayMs);
  });
  // Connections stay open as long as the lab runs.
  server.keepAliveTimeout = 0;
  return listening(server);
}

/** Resolves to the port. */
export function listening(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, HOST, 1024, () => resolve((server.address() as AddressInfo).port));
  });
}

/** Sends requests on connections that are kept. */
export function requester(port: number): { get(): Promise<void>; close(): void } {
  const agent = new Agent({ keepAlive: true });
  const get = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const request = httpGet({ host: HOST, port, agent }, (response) => {
        response.on('error', reject).on('end', resolve).resume();
      });
      request.on('error', reject);
    });
  return { get, close: () => agent.destroy() };
}
