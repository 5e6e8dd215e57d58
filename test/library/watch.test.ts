import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import fs, { createReadStream, openSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { Agent, createServer as createHttpServer, get } from 'node:http';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { MessageChannel, Worker } from 'node:worker_threads';
import { describe, expect, onTestFinished, test } from 'vitest';
import { watch } from '../../src/library/watch.ts';
import { namesOf } from './lines.ts';

const FILE = import.meta.filename;
const names = (left: Parameters<typeof namesOf>[1]): string[] => namesOf(import.meta.url, left);
const later = onTestFinished;
const portOf = (server: Server): number => (server.address() as AddressInfo).port;
const closed = (server: Server): Promise<void> => new Promise((resolve) => void server.close(() => resolve()));

async function listening(): Promise<Server> {
  const server = createServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1'); // server
  await once(server, 'listening');
  return server;
}

/** An event that a test lets happen when it is over. */
function gate(): { promise: Promise<void>; open(): void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  later(() => resolve());
  return { promise, open: resolve };
}

// Node 20 has none of its own.
Promise.withResolvers ??= function withResolvers<T>() {
  let settle: Pick<PromiseWithResolvers<T>, 'resolve' | 'reject'>;
  const promise = new Promise<T>((resolve, reject) => {
    settle = { resolve, reject };
  });
  return { promise, ...settle! };
} as typeof Promise.withResolvers;

describe('watch', () => {
  test('returns the value of a synchronous and of an asynchronous function, and nothing left', async () => {
    expect(await watch('one', () => 1)).toMatchObject({ name: 'one', value: 1, left: [], untracked: 0 });
    expect(await watch('two', async () => 2)).toMatchObject({ name: 'two', value: 2, left: [] });
    const nameless = watch as unknown as (fn: () => void) => Promise<unknown>;
    await expect(nameless(() => {})).rejects.toThrow('watch takes a name and a function');
  });

  test('timers: those that are left, with their interval and whether they hold the process', async () => {
    const { left } = await watch('timers', () => {
      const interval = setInterval(() => {}, 1000); // interval
      const timers = [1, 2, 3].map(() => setTimeout(() => {}, 5000).unref()); // unref
      clearTimeout(setTimeout(() => {}, 5000));
      later(() => [interval, ...timers].forEach(clearTimeout));
    });
    expect(names(left)).toEqual(['timer interval', 'timer unref 3']);
    expect(left.find(({ referenced }) => referenced)).toMatchObject({ what: 'interval of 1000 ms', count: 1 });
    expect(left.find(({ referenced }) => !referenced)).toMatchObject({ what: 'timer of 5000 ms', count: 3 });
  });

  test('servers and sockets, with their address', async () => {
    const { value, left } = await watch('sockets', async () => {
      const server = await listening();
      const socket = connect(portOf(server), '127.0.0.1'); // socket
      await once(socket, 'connect');
      const other = connect(portOf(server), '127.0.0.1');
      await once(other, 'connect');
      other.destroy();
      later(() => {
        socket.destroy();
        server.close();
      });
      return portOf(server);
    });
    expect(names(left)).toEqual(['server server', 'socket socket']);
    expect(left.map(({ what }) => what).sort()).toEqual([
      `server on 127.0.0.1:${value}`,
      `socket to 127.0.0.1:${value}`,
    ]);
  });

  test('files: descriptors, streams and handles', async () => {
    const { left } = await watch('files', async () => {
      const fd = openSync(FILE, 'r'); // sync
      const called = await new Promise<number>((resolve) => fs.open(FILE, (_error, one) => resolve(one))); // callback
      const stream = createReadStream(FILE, { highWaterMark: 16 }); // stream
      await once(stream, 'open');
      const handle = await open(FILE); // handle
      fs.closeSync(openSync(FILE, 'r'));
      await (await open(FILE)).close();
      for await (const _ of createReadStream(FILE));
      later(async () => {
        for (const one of [fd, called]) fs.closeSync(one);
        stream.destroy();
        await handle.close();
      });
    });
    expect(names(left)).toEqual(['file callback', 'file handle', 'file stream', 'file sync']);
  });

  test('workers, child processes, ports and watchers', async () => {
    const { left } = await watch('others', async () => {
      const worker = new Worker('setInterval(() => {}, 1000)', { eval: true }); // worker
      const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']); // child
      const { port1, port2 } = new MessageChannel(); // port
      port1.on('message', () => {});
      const watcher = fs.watch(FILE, () => {}); // watcher
      const gone = new Worker('', { eval: true });
      await once(gone, 'exit');
      later(async () => {
        child.kill('SIGKILL');
        watcher.close();
        port2.close();
        await worker.terminate();
      });
    });
    expect(names(left).filter((name) => !name.startsWith('message-port'))).toEqual([
      'child-process child',
      'watcher watcher',
      'worker worker',
    ]);
    expect(names(left).find((name) => name.startsWith('message-port'))).toMatch(/^message-port port/);
  });

  test('listeners on what is older; those of what the work made itself go with it', async () => {
    const bus = new EventEmitter();
    const { signal } = new AbortController();
    const { left } = await watch('listeners', () => {
      for (let i = 0; i < 3; i++) bus.on('change', () => {}); // on
      bus.once('end', () => {}); // once
      signal.addEventListener('abort', () => {}); // abort
      const removed = (): void => {};
      bus.on('change', removed).off('change', removed);
      new EventEmitter().on('change', () => {});
      new AbortController().signal.addEventListener('abort', () => {});
    });
    expect(names(left)).toEqual(['listener abort', 'listener on 3', 'listener once']);
    expect(left[0]).toMatchObject({ what: "listener of 'change' on EventEmitter", referenced: false });
    expect(signal.aborted).toBe(false);
  });

  test('suspended calls: the innermost await of each chain, with its callers, equal ones counted', async () => {
    const { promise } = gate();
    async function inner(): Promise<void> {
      await promise; // await
    }
    async function outer(): Promise<void> {
      await Promise.resolve();
      await inner(); // caller
    }
    const arrow = async (): Promise<void> => {
      await Promise.all([promise, 1]); // all
    };
    async function loop(): Promise<void> {
      for await (const _ of values()); // for-await
    }
    async function* values(): AsyncGenerator<number> {
      yield 1;
      await promise; // generator
    }
    const { left } = await watch('calls', async () => {
      for (let i = 0; i < 5; i++) void outer();
      void arrow();
      void loop();
      await 1;
      await sleep(1);
      void promise.then(() => {});
    });
    expect(names(left)).toEqual([
      'suspended-call all',
      'suspended-call await 5',
      'suspended-call for-await',
      'suspended-call generator',
    ]);
    expect(left[0]).toMatchObject({
      location: { function: 'inner' },
      callers: [expect.objectContaining({ function: 'outer' })],
    });
  });

  test('only the work itself: not what goes on beside, nor what is older', async () => {
    const { promise, open: go } = gate();
    const beside: NodeJS.Timeout[] = [];
    const other = promise.then(() => beside.push(setInterval(() => {}, 1000)));
    const { left } = await watch('work', async () => {
      go();
      await other;
      await sleep(5);
    });
    expect(left).toEqual([]);
    beside.forEach(clearInterval);
  });

  test('nested and concurrent scopes: each has its own, the outer one all', async () => {
    const timers: NodeJS.Timeout[] = [];
    const inner = (name: string): ReturnType<typeof watch<void>> =>
      watch(name, async () => {
        await sleep(5);
        timers.push(setInterval(() => {}, name === 'a' ? 1111 : 2222)); // inner
        await sleep(5);
      });
    const outer = await watch('outer', async () => {
      timers.push(setInterval(() => {}, 3333)); // outer
      const both = await Promise.all([inner('a'), inner('b')]);
      return both.map(({ left }) => left.map(({ what }) => what));
    });
    expect(outer.value).toEqual([['interval of 1111 ms'], ['interval of 2222 ms']]);
    expect(names(outer.left)).toEqual(['timer inner', 'timer inner', 'timer outer']);
    timers.forEach(clearInterval);
  });

  test('a grace period lets things end, and is no longer than needed', async () => {
    const work = (): unknown => setTimeout(() => {}, 60);
    expect((await watch('impatient', work)).left).toHaveLength(1);
    const { left } = await watch('patient', work, { graceMs: 60_000 });
    expect(left).toEqual([]);
  });

  test('idle sockets of pools do not hold the process', async () => {
    const server = createHttpServer((_request, response) => response.end('ok')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const agent = new Agent({ keepAlive: true });
    const { left } = await watch('pools', async () => {
      await (await fetch(`http://127.0.0.1:${portOf(server)}`)).text();
      await new Promise((resolve) => {
        get({ port: portOf(server), agent }, (response) => response.resume().on('end', resolve));
      });
      await sleep(20);
    });
    expect(left.filter(({ referenced }) => referenced)).toEqual([]);
    agent.destroy();
    server.closeAllConnections();
    await closed(server);
  });

  test('what the function throws is thrown; onEnd hears what it left', async () => {
    const ends: unknown[] = [];
    const fail = async (): Promise<never> => {
      const timer = setInterval(() => {}, 1000); // failing
      later(() => clearInterval(timer));
      throw new Error('of the application');
    };
    await expect(watch('fails', fail, { onEnd: (end) => ends.push(end) })).rejects.toThrow('of the application');
    expect(ends).toMatchObject([{ name: 'fails', left: [{ kind: 'timer', count: 1 }], error: expect.any(Error) }]);
  });

  test('thousands of suspended calls are counted exactly', async () => {
    const { promise } = gate();
    const wait = async (): Promise<void> => {
      await promise; // many
    };
    const { left, untracked } = await watch('many', async () => {
      for (let i = 0; i < 2000; i++) void wait();
      for (let i = 0; i < 5000; i++) await i;
    });
    expect(names(left)).toEqual(['suspended-call many 2000']);
    expect(untracked).toBe(0);
  });
});
