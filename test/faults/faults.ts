/** What may happen to a program or its surroundings. Each is done to it for real, once without and once with the agent. */
import { chmodSync, chownSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hungStorageProblem, mountHung } from '../support/hung-storage.ts';
import { mountSmall, privateMountProblem, smallDiskProblem } from '../support/small-disk.ts';

export interface Fault {
  /** A few words, as they stand in the table. */
  name: string;
  /** The body of an async function that has `later(ms)`, `fs` and `out`, the folder of the recordings. Prints what a user would see. */
  program: string;
  /** Options of Node before the program. */
  node?: readonly string[];
  /** JavaScript that is loaded before the agent. */
  before?: string;
  env?: (place: Place) => Record<string, string>;
  /** A line of bash that the program is started by: `exec` of it stands for the command. */
  shell?: string;
  /** Makes the surroundings; what it returns undoes them. */
  prepare?: (place: Place) => (() => void) | undefined;
  /** Why it cannot be done here; null where it can. */
  problem?: () => string | null;
  /** It has figures of V8's that no two runs have in common. */
  stderrVaries?: true;
  stdout?: 'closed';
  stderr?: 'closed' | 'unread';
}

export interface Place {
  /** Of the one run. */
  folder: string;
  out: string;
}

const isRoot = process.getuid?.() === 0;
const NOBODY = 65_534;
const needsRoot = (): string | null => (isRoot ? null : 'needs root');
const TAKE_ALL = `
const fs = require('node:fs');
globalThis.taken = [];
globalThis.takeAll = () => { try { for (;;) taken.push(fs.openSync('/dev/null')); } catch {} };
globalThis.giveBack = () => { for (const fd of taken.splice(0)) fs.closeSync(fd); };
`;
/** Waits until the recording has rows, where there is one. */
const RECORDED = `await recorded();`;
const OWN = `const own = process.env.EVDIAG_FAMILY ? process.env.EVDIAG_FAMILY + '/main-' + process.pid : null;`;
const ENDLESS = `setInterval(() => {}, 1000); await later(60_000);`;

const asNobody = (place: Place): undefined => {
  for (const folder of [place.folder, place.out]) {
    mkdirSync(folder, { recursive: true });
    if (isRoot) chownSync(folder, NOBODY, NOBODY);
  }
};
const NOBODY_SHELL = isRoot ? `exec setpriv --reuid=${NOBODY} --regid=${NOBODY} --clear-groups "$@"` : 'exec "$@"';

const storage: Fault[] = [
  {
    name: 'no file descriptor left at the start, later some',
    shell: 'ulimit -n 80; exec "$@"',
    // What Node needs for the program's own files is left, not what a thread needs.
    before: `${TAKE_ALL} takeAll(); for (const fd of taken.splice(0, 3)) fs.closeSync(fd);`,
    program: `await later(400); giveBack(); await later(1600); console.log('done');`,
  },
  {
    name: 'no file descriptor left for a second',
    shell: 'ulimit -n 80; exec "$@"',
    before: TAKE_ALL,
    program: `${RECORDED} takeAll(); await later(1200); giveBack(); await later(1500); console.log('done');`,
  },
  {
    name: 'the program closes all descriptors that it does not know',
    program: `${RECORDED} for (const fd of fs.readdirSync('/proc/self/fd').map(Number)) {
      try { if (fd > 2 && fs.readlinkSync('/proc/self/fd/' + fd).endsWith('recording.ndjson')) fs.closeSync(fd); } catch {}
    }
    await later(1500); console.log('done');`,
  },
  {
    name: 'the folder is read-only at the start',
    shell: NOBODY_SHELL,
    prepare: (place) => {
      asNobody(place);
      chmodSync(place.out, 0o500);
      return undefined;
    },
    program: `await later(1200); console.log('done');`,
  },
  {
    name: 'the folder becomes read-only and its file is removed, later it is writable again',
    shell: NOBODY_SHELL,
    prepare: asNobody,
    program: `${RECORDED} ${OWN} if (own) { fs.rmSync(own + '/recording.ndjson'); fs.chmodSync(own, 0o500); }
    await later(1500); if (own) fs.chmodSync(own, 0o700); await later(1500); console.log('done');`,
  },
  {
    name: 'the file is removed',
    program: `${RECORDED} ${OWN} if (own) fs.rmSync(own + '/recording.ndjson'); await later(1500); console.log('done');`,
  },
  {
    name: 'the folder is removed',
    program: `${RECORDED} fs.rmSync(out, { recursive: true, force: true }); await later(1500); console.log('done');`,
  },
  {
    name: 'the folder is moved',
    program: `${RECORDED} ${OWN} if (own) fs.renameSync(own, own + '.moved'); await later(1500); console.log('done');`,
  },
  {
    name: 'the file is cut to nothing',
    program: `${RECORDED} ${OWN} if (own) fs.truncateSync(own + '/recording.ndjson'); await later(1500); console.log('done');`,
  },
  {
    name: 'the disk is full at the start',
    problem: smallDiskProblem,
    prepare: ({ out, folder }) => mountSmall(out, folder, true),
    program: `await later(1500); console.log('done');`,
  },
  {
    name: 'the disk becomes full, and has room again',
    problem: smallDiskProblem,
    prepare: ({ out, folder }) => mountSmall(out, folder, false),
    program: `${RECORDED} const fill = fs.openSync(out + '/fill', 'w');
    try { for (;;) fs.writeSync(fill, Buffer.alloc(4096)); } catch {}
    await later(2500); fs.ftruncateSync(fill); await later(1500); console.log('done');`,
  },
  {
    name: 'storage that does not answer (FUSE)',
    problem: hungStorageProblem,
    // Beside `out`: whoever looked into it would hang as well.
    prepare: ({ folder }) => mountHung(join(folder, 'hung')),
    env: ({ folder }) => ({ EVDIAG_OUT: join(folder, 'hung/deep') }),
    program: `await later(600); process.exitCode = 3; console.log('done');`,
  },
  {
    name: 'EVDIAG_OUT is a file',
    prepare: ({ out }) => void writeFileSync(out, 'precious'),
    program: `await later(800); console.log('done');`,
  },
  {
    name: 'EVDIAG_OUT is a FIFO',
    shell: 'mkfifo "$EVDIAG_OUT"; exec "$@"',
    program: `await later(800); console.log('done');`,
  },
  {
    name: 'EVDIAG_OUT is a link to /dev/full',
    prepare: ({ out }) => void symlinkSync('/dev/full', out),
    program: `await later(800); console.log('done');`,
  },
  {
    name: 'EVDIAG_OUT is where nothing can be made',
    env: () => ({ EVDIAG_OUT: '/proc/nowhere/out' }),
    program: `await later(800); console.log('done');`,
  },
  {
    name: 'the socket has no folder that can be written',
    env: () => ({ XDG_RUNTIME_DIR: '/proc', TMPDIR: '/proc' }),
    program: `await later(800); console.log('done');`,
  },
  {
    name: 'the path of the socket would be too long',
    env: () => ({ XDG_RUNTIME_DIR: `/tmp/${'long'.repeat(40)}`, TMPDIR: `/tmp/${'long'.repeat(40)}` }),
    program: `await later(800); console.log('done');`,
  },
];

const ends: Fault[] = [
  ...['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGHUP', 'SIGSEGV'].map((signal) => ({
    name: signal,
    program: `${RECORDED} require('node:child_process').spawn('kill', ['-s', '${signal.slice(3)}', String(process.pid)]); ${ENDLESS}`,
  })),
  { name: 'process.exit at the first line', program: `console.log('done'); process.exit(3);` },
  { name: 'process.exit in a timer', program: `await later(600); console.log('done'); process.exit(3);` },
  { name: 'process.exit in process.nextTick', program: `process.nextTick(() => process.exit(3)); await later(900);` },
  {
    name: 'process.exit in a listener of exit',
    program: `process.on('exit', () => { console.log('exit'); process.exit(3); }); await later(600);`,
  },
  {
    name: 'process.exit in a listener of beforeExit',
    program: `process.on('beforeExit', () => { console.log('beforeExit'); process.exit(3); }); await later(600);`,
  },
  { name: 'process.reallyExit', program: `await later(600); process.reallyExit(3);` },
  {
    name: 'an exception that nobody catches',
    program: `setTimeout(() => { throw new Error('no good'); }, 600); ${ENDLESS}`,
  },
  {
    name: 'a rejection that nobody handles',
    program: `await later(600); Promise.reject(new Error('no good')); ${ENDLESS}`,
  },
  { name: 'process.abort', program: `await later(600); process.abort();` },
  {
    name: 'the stack overflows',
    program: `setTimeout(function f() { (function g() { g(); })(); }, 600); ${ENDLESS}`,
  },
  {
    name: 'the stack overflows while timers are made, at level diagnose',
    env: () => ({ EVDIAG_LEVEL: 'diagnose' }),
    program: `await later(600); const f = () => { setTimeout(() => {}, 1); return f() + 1; };
for (let i = 0; i < 8; i++) try { (function g(n) { return n === 0 ? f() : g(n - 1) + 1; })(i); } catch (error) { if (!(error instanceof RangeError)) console.log(error); }
console.log('done');`,
  },
  {
    name: 'the heap is full (32 MB)',
    node: ['--max-old-space-size=32'],
    stderrVaries: true,
    program: `await later(600); const all = []; for (;;) all.push(new Array(1000).fill({}));`,
  },
  {
    name: 'the loop is blocked until the exit',
    program: `await later(600); for (const end = Date.now() + 1000; Date.now() < end; ); process.exit(3);`,
  },
  {
    name: 'the agent’s watchdog is terminated',
    program: `process.once('worker', (worker) => setTimeout(() => worker.terminate(), 500)); await later(1500); console.log('done');`,
  },
  {
    name: 'a worker thread runs out of memory',
    program: `const { Worker } = require('node:worker_threads');
    const worker = new Worker('const all = []; for (;;) all.push(new Array(1000).fill({}));',
      { eval: true, resourceLimits: { maxOldGenerationSizeMb: 8 } });
    const [error] = await require('node:events').once(worker, 'error').catch((error) => [error]);
    console.log(error.code); await later(800); console.log('done');`,
  },
];

const surroundings: Fault[] = [
  {
    name: 'there is no /proc',
    problem: privateMountProblem,
    shell: `exec unshare -m bash -c 'mount -t tmpfs none /proc && exec "$@"' bash "$@"`,
    program: `await later(1200); console.log('done');`,
  },
  {
    name: 'no thread may be started (limit of processes)',
    problem: needsRoot,
    prepare: asNobody,
    shell: `exec setpriv --reuid=$FAULT_UID --regid=$FAULT_UID --clear-groups prlimit --nproc=8 "$@"`,
    program: `await later(800); console.log('done');`,
  },
  {
    name: 'the permission model, without a permission for the agent',
    node: [
      process.allowedNodeEnvironmentFlags.has('--permission') ? '--permission' : '--experimental-permission',
      '--allow-fs-read=*',
    ],
    program: `await later(800); console.log('done');`,
  },
  { name: '--jitless', node: ['--jitless'], program: `await later(1200); console.log('done');` },
  { name: '--frozen-intrinsics', node: ['--frozen-intrinsics'], program: `await later(1200); console.log('done');` },
  {
    name: 'fake timers and a fake clock',
    program: `const real = setTimeout;
    globalThis.setTimeout = globalThis.setInterval = globalThis.setImmediate = () => { throw new Error('fake'); };
    Date.now = () => 0; performance.now = () => { throw new Error('fake'); };
    await new Promise((resolve) => real(resolve, 1500)); console.log('done');`,
  },
  {
    name: 'the clock jumps by a day',
    program: `const now = Date.now; Date.now = () => now() + 864e5; await later(1500); console.log('done');`,
  },
  {
    name: 'globals are deleted',
    program: `for (const name of ['WeakRef', 'FinalizationRegistry', 'SharedArrayBuffer', 'BroadcastChannel', 'AbortController', 'performance', 'JSON', 'Buffer']) delete globalThis[name];
    await later(1500); process.stdout.write('done\\n');`,
  },
  { name: 'stdout is closed', stdout: 'closed', program: `await later(800); process.exitCode = 4;` },
  { name: 'stderr is closed', stderr: 'closed', program: `await later(800); console.log('done');` },
  {
    name: 'stderr is a pipe that nobody reads, and full',
    stderr: 'unread',
    program: `await later(1200); console.log('done');`,
  },
  {
    name: 'the user changes (setuid)',
    problem: needsRoot,
    program: `${RECORDED} process.setgid(${NOBODY}); process.setuid(${NOBODY}); await later(1500); console.log('done');`,
  },
  {
    name: 'the working folder is left and removed',
    program: `${RECORDED} fs.mkdirSync(out + '-cwd', { recursive: true }); process.chdir(out + '-cwd'); fs.rmdirSync(out + '-cwd'); await later(1500); console.log('done');`,
  },
  { name: 'umask 777', program: `process.umask(0o777); await later(1200); console.log('done');` },
];

export const FAULTS: readonly Fault[] = [...storage, ...ends, ...surroundings];
