/**
 * Ends the process if its watchdog hangs: Node's exit joins the watchdog's thread, and a thread inside a system call
 * that does not return (a file on storage that hangs) is never joined. Neither is libuv's pool.
 */
import { EventEmitter } from 'node:events';
import { Worker } from 'node:worker_threads';
import {
  apply,
  load,
  NativeError,
  NativeInt32Array,
  NativeSharedArrayBuffer,
  notify,
  process,
  store,
  wait,
} from '../primordials.ts';
import { callSites } from './stack.ts';

/** Words of the memory shared with the thread that ends the process. */
const STATE = 0;
const CODE = 1;
const GRACE_MS = 2;
const READY = 1;
const FAILED = 2;
const GO = 3;
const GOING = 4;

/** A thread starts in 50 ms; a busy host takes longer. */
const START_MS = 5000;
/** Node's own exit has this long after the program has done its part: a watchdog that can be ended is ended within a few ms. */
const NODE_MS = 500;
/** And this long if listeners of the program are still to be called. */
const LISTENERS_MS = 1500;

/**
 * `proc_exit` of node:wasi is the C library's `exit`: no thread is joined. What follows `GOING` has no loop and calls no
 * function of JavaScript: V8 checks there whether the thread is to be terminated, which Node does as it exits. The
 * subscription of `poll_oneoff` is 48 bytes: clock 1 (monotonic) at 16, the time in ns at 24.
 */
const SCRIPT = `
const { workerData: words } = require('node:worker_threads');
const setState = (state) => { Atomics.store(words, ${STATE}, state); Atomics.notify(words, ${STATE}); };
try {
  const { WASI } = require('node:wasi');
  const wasi = new WASI({ version: 'preview1', returnOnExit: false });
  const memory = new WebAssembly.Memory({ initial: 1 });
  wasi.initialize({ exports: { memory } });
  const { poll_oneoff, proc_exit } = wasi.wasiImport;
  const view = new DataView(memory.buffer);
  view.setUint32(16, 1, true);
  setState(${READY});
  while (Atomics.load(words, ${STATE}) !== ${GO}) Atomics.wait(words, ${STATE}, ${READY});
  view.setBigUint64(24, BigInt(words[${GRACE_MS}]) * 1000000n, true);
  Atomics.store(words, ${STATE}, ${GOING});
  Atomics.notify(words, ${STATE});
  poll_oneoff(0, 64, 1, 128);
  proc_exit(words[${CODE}]);
} catch {
  setState(${FAILED});
}
`;

/** `exit`: by process.exit. `fatal`: an error that nobody caught, which Node prints afterwards. `end`: nothing was left to do. */
type Way = 'exit' | 'fatal' | 'end';

export interface ForcedExit {
  /** Makes sure that the process ends, however it is exiting. `isStuck`: the watchdog is known to be in a system call. */
  begin(code: number, isStuck: boolean, way?: Way | null): void;
  /** The program has done its part: Node is asked to exit with that code. */
  go(code: number): void;
}

export function createForcedExit(reallyExit: (code: number) => void): ForcedExit {
  let words: Int32Array | null = null;
  const start = (): boolean => {
    words = new NativeInt32Array(new NativeSharedArrayBuffer(16));
    // Its streams would need the main thread; it has no environment and none of the program's options.
    new Worker(SCRIPT, { eval: true, workerData: words, env: {}, execArgv: [], stdout: true, stderr: true }).unref();
    wait(words, STATE, 0, START_MS);
    return load(words, STATE) === READY;
  };
  const goIn = (code: number, graceMs: number): void => {
    if (words === null || load(words, STATE) !== READY) return;
    words[CODE] = code;
    words[GRACE_MS] = graceMs;
    store(words, STATE, GO);
    notify(words, STATE);
    wait(words, STATE, GO, START_MS);
  };
  const go = (code: number): void => goIn(code, NODE_MS);
  return {
    begin(code, isStuck, way = wayOut()) {
      if (words !== null || way === null) return;
      try {
        if (!start() && isStuck) throw new NativeError('There is no WebAssembly, or it may not be used.');
      } catch {
        // A wrong status is better than a process that never ends.
        if (isStuck) process.kill(process.pid, 'SIGKILL');
        return;
      }
      // The wrapper of process.reallyExit calls `go`.
      if (way === 'exit') return;
      const others = process.rawListeners('exit') as ((code: number) => unknown)[];
      const mayEndHere = way === 'end' && isStuck && process.emit === EventEmitter.prototype.emit;
      if (!mayEndHere) return goIn(exitCode(code), others.length > 0 ? LISTENERS_MS : NODE_MS);
      // The program may take long in them.
      let failed = true;
      try {
        for (const other of others) apply(other, process, [code]);
        failed = false;
      } finally {
        // What they throw is passed on, and printed by Node.
        go(exitCode(failed ? 1 : code));
      }
      reallyExit(exitCode(code));
    },
    go,
  };
}

/** Null: it is not exiting. */
function wayOut(): Way | null {
  if (!(process as unknown as { _exiting?: boolean })._exiting) return null;
  const urls = callSites(64).map(([, url]) => url ?? '');
  if (urls.some((url) => url.startsWith('node:internal/process/per_thread'))) return 'exit';
  return urls.some((url) => url.startsWith('node:internal/process/execution')) ? 'fatal' : 'end';
}

function exitCode(otherwise: number): number {
  return typeof process.exitCode === 'number' ? process.exitCode : otherwise;
}
