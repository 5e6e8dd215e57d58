import fs from 'node:fs';
import type { Storage } from './storage.ts';

type AnyCall = (path: unknown, ...rest: unknown[]) => unknown;

/** Those that this thread makes, of its own or through Node, as with `require`. */
const CALLS = [
  ...['chmodSync', 'existsSync', 'lstatSync', 'mkdirSync', 'openSync', 'readFileSync', 'readdirSync', 'realpathSync'],
  ...['renameSync', 'rmSync', 'statSync', 'statfsSync', 'unlinkSync'],
] as const;
/** The kernel's own: nothing there is stored anywhere. */
const KERNELS = /^\/(proc|sys)\//;

/**
 * Whatever file this thread touches may be on storage that hangs: what runs, its source map, the folder of sockets, this package. So all calls
 * with a path are work on storage. This thread's module `fs` is its own: the program does not see what is put into it.
 */
export function followFileCalls({ use, elsewhere }: Storage): void {
  const calls = fs as unknown as Record<string, AnyCall>;
  for (const name of CALLS) {
    const original = calls[name]!;
    const follow: AnyCall = (path, ...rest) => {
      const call = (): unknown => original(path, ...rest);
      if (typeof path !== 'string' || KERNELS.test(path)) return call();
      const done = use(() => ({ result: elsewhere(path, call) }));
      if (!done) throw new Error(`${name} is not begun: the process ends`);
      return done.result;
    };
    calls[name] = Object.assign(follow, original);
  }
}
