import { AsyncLocalStorage, executionAsyncResource } from 'node:async_hooks';
import { readFileSync } from 'node:fs';
import module from 'node:module';
import v8 from 'node:v8';
import type { Mechanism } from './types.ts';

/** What evdiag builds on where it is there, asked of this very process and machine. */
export function mechanisms(): Mechanism[] {
  return [
    { id: 'inspector', isThere: process.features.inspector, without: 'no stacks, no profiles, no heap snapshots' },
    { id: 'run-queue', isThere: canRead('/proc/self/schedstat'), without: 'waits for a core cannot be told from work' },
    {
      id: 'thread-stat',
      isThere: canRead('/proc/self/stat'),
      without: 'waits for disks and in the kernel are not seen',
    },
    {
      id: 'pressure',
      isThere: canRead('/proc/pressure/cpu'),
      without: 'how short the machine is of cores, memory and disks is not reported',
    },
    {
      id: 'cgroup',
      isThere: canRead('/proc/self/cgroup'),
      without: 'CPU and memory limits of a container are not seen',
    },
    {
      id: 'promise-hooks',
      isThere: typeof v8.promiseHooks?.createHook === 'function',
      without: 'suspended calls are not followed',
    },
    {
      id: 'async-context-frame',
      isThere: hasContextFrame(),
      without: 'AsyncLocalStorage runs on hooks: each promise costs more (Node.js 24 and later have it)',
    },
    {
      id: 'source-maps',
      isThere: typeof module.findSourceMap === 'function',
      without: 'maps of loaders are not found',
    },
    {
      id: 'loader-hooks',
      isThere: 'registerHooks' in module,
      without: 'maps that an ES module loader keeps to itself are not found',
    },
  ];
}

function canRead(file: string): boolean {
  try {
    readFileSync(file);
    return true;
  } catch {
    return false;
  }
}

/** Without it, a store is kept under a symbol of the resource that runs. */
function hasContextFrame(): boolean {
  const store = new AsyncLocalStorage<object>();
  const value = {};
  return store.run(value, () => {
    const resource: object = executionAsyncResource();
    const symbols = Object.getOwnPropertySymbols(resource);
    return !symbols.some((symbol) => (resource as Record<symbol, unknown>)[symbol] === value);
  });
}
