import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { LeakReport } from '../../src/leaks/types.ts';
import { evdiag } from '../support/dump.ts';
import { inLab, lineOf } from '../support/run-agent.ts';

/** One sentence or two on stderr, no stack trace. */
function expectSentence(run: { status: number; stdout: string; stderr: string }, status: number, words: string): void {
  expect(run.stderr).toContain(words);
  expect(run.stderr).toMatch(/^evdiag: [A-Z"].*[.]\n$/);
  expect([run.stdout, run.status]).toEqual(['', status]);
}

describe('what cannot be done is said in a sentence', () => {
  test.each([
    [['leaks', '0'], 2, 'is not a process ID'],
    [['leaks', '2147483000'], 3, 'There is no process'],
    [['leaks', '/nowhere/a.heapsnapshot'], 2, 'does not exist'],
    [['leaks', tmpdir()], 2, 'is not a recording'],
    [['leaks', 'a', 'b', 'c', 'd'], 2, 'These are 4 files'],
    [['leaks', join(import.meta.dirname ?? __dirname, '../../package.json')], 2, 'at byte'],
    [['leaks', '1', '--format', 'pdf'], 2, 'pdf'],
    [['leaks', '1', '--steps', '4'], 2, 'from 1 to 3'],
  ])('%j', async (args, status, words) => {
    expectSentence(await evdiag(args), status, words);
  });
});

/** Three snapshots, on a busy machine. */
const LIMIT_MS = 120_000;

const SERVER = `
const { EventEmitter } = require('node:events');
// The agent's sessions with it come and go: objects must keep their ids.
new (require('node:worker_threads').Worker)('setInterval(() => {}, 10)', { eval: true });
const bus = new EventEmitter().setMaxListeners(0);
class Session { constructor(id) { this.id = id; this.data = { id, text: 'session ' + id }; } }
const sessions = new Map(); // holder
const recent = new Map();
let n = 0;
setInterval(() => {
  for (let i = 0; i < 10; i++) {
    sessions.set(n, new Session(n));
    recent.set(n, new Session(n));
    if (recent.size > 50) recent.delete(recent.keys().next().value);
    n++;
  }
  const last = n;
  bus.on('change', () => last); // listener
}, 20);
console.log('ready');
`;

const leftovers = (pid: number): string[] =>
  [tmpdir(), join(tmpdir(), `evdiag-${process.getuid?.()}`)].flatMap((folder) =>
    existsSync(folder)
      ? readdirSync(folder).filter((name) => new RegExp(`^(heap-)?${pid}-.*heapsnapshot`).test(name))
      : [],
  );

// At level diagnose the agent samples allocations all the while: that must not change the ids of objects.
test.each(['watch', 'diagnose'])(
  'a running process at level %s: what leaks is found, what is bounded is not, and the snapshots go',
  (level) =>
    inLab(async (lab) => {
      const file = lab.file('server.cjs', SERVER);
      const program = lab.start(file, { env: { EVDIAG_LEVEL: level } });
      await Promise.all([program.until('stdout', 'ready'), program.watched()]);
      const pid = String(program.pid);
      await pause(500); // `recent` is full, and code is compiled

      const refused = await evdiag(['leaks', pid, '--wait', '0']);
      expectSentence(refused, 2, `This pauses process ${pid} 3 times for about`);

      const kept = join(lab.folder, 'kept');
      const run = await evdiag(['leaks', pid, '--yes', '--wait', '1', '--json', '--out', kept, '--fail-on', 'likely']);
      expect(run.status, run.stderr).toBe(1);
      const report: LeakReport = JSON.parse(run.stdout);
      expect(report).toMatchObject({ schema: 'evdiag-leaks/1', input: 'process' });
      expect(report.snapshots).toHaveLength(3);
      const found = report.suspects.map(({ holder, place }) => `${holder} ${place?.file}:${place?.line}`);
      expect(found).toContain(`module variable "sessions" ${file}:${lineOf(SERVER, '// holder')}`);
      expect(found).toContain(
        `listeners of "change" on EventEmitter (module variable "bus") ${file}:${lineOf(SERVER, '// listener')}`,
      );
      expect(found.join('\n')).not.toContain('"recent"');
      expect(found).toHaveLength(2);
      for (const { growth } of report.suspects) expect(growth!.bytesPerMinute).toBeGreaterThan(0);

      expect(
        program
          .stderr()
          .split('\n')
          .filter((line) => !line.startsWith('evdiag: ')),
      ).toEqual(['']);
      program.kill('SIGKILL');

      const all = readdirSync(kept).sort();
      const files = all.filter((name) => name.endsWith('.heapsnapshot'));
      expect(all.filter((name) => !files.includes(name))).toEqual([expect.stringMatching(/^leaks-\d+-.*\.json$/)]);
      expect(files).toHaveLength(3);
      for (const name of all) expect(statSync(join(kept, name)).mode & 0o777).toBe(0o600);
      expect(statSync(kept).mode & 0o777).toBe(0o700);
      expect(leftovers(program.pid)).toEqual([]);

      const paths = files.map((name) => join(kept, name));
      const page = join(lab.folder, 'leaks.html');
      const again = await evdiag(['leaks', ...paths, '--format', 'html', '-o', page]);
      expect([again.status, again.stdout]).toEqual([0, '']);
      expect(readFileSync(page, 'utf8')).toContain('module variable &quot;sessions&quot;');
      expectSentence(await evdiag(['leaks', paths[2]!, paths[0]!]), 2, 'in the order in which they were taken');
    })(),
  LIMIT_MS,
);

/** A debugger that comes and goes: whenever one goes, V8 gives all objects new ids. */
const DEBUGGED = `
const { Session } = require('node:inspector');
const kinds = [(i) => [i], (i) => ({ i }), (i) => () => i, (i) => new Map([[i, i]]), (i) => 'text ' + i];
setInterval(() => {
  const debugging = new Session();
  debugging.connect();
  debugging.disconnect();
  globalThis.kept = Array.from({ length: 20_000 }, (_, i) => kinds[Math.floor(Math.random() * kinds.length)](i));
}, 50);
console.log('ready');
`;

test(
  'of a process whose objects got new ids meanwhile, what is left is told, and why it is less',
  inLab(async (lab) => {
    const program = lab.start(lab.file('app.js', DEBUGGED), { env: { EVDIAG_QUIET: '1' } });
    await program.until('stdout', 'ready');
    const args = ['leaks', String(program.pid), '--steps', '2', '--wait', '1', '--yes', '--json'];
    const { status, stdout, stderr } = await evdiag(args);
    expect(status, stderr).toBe(0);
    const report = JSON.parse(stdout) as LeakReport;
    expect(report).toMatchObject({ input: 'process', spanMs: null, snapshots: [{}, {}] });
    expect(report.notes[0]).toMatch(/^An inspector was disconnected from the process after snapshot 1/);
    program.kill('SIGKILL');
    await program.ended;
  }),
  LIMIT_MS,
);

const LEAKY_WORKER = `
const { Worker, isMainThread } = require('node:worker_threads');
const ofMain = [];
const ofWorker = []; // holder
class Job { constructor(i) { this.i = i; } }
let n = 0;
setInterval(() => { for (let i = 0; i < 10; i++) (isMainThread ? ofMain : ofWorker).push(new Job(n++)); }, 20);
if (isMainThread) new Worker(__filename).on('online', () => console.log('ready'));
`;

test(
  'of a worker thread by its name: what leaks there is found, and what leaks elsewhere is not',
  inLab(async (lab) => {
    const file = lab.file('server.cjs', LEAKY_WORKER);
    const program = lab.start(file, { env: { EVDIAG_QUIET: '1' } });
    await Promise.all([program.until('stdout', 'ready'), program.watched()]);
    const pid = String(program.pid);

    const unknown = await evdiag(['leaks', pid, '--thread', 'worker 9', '--yes']);
    expectSentence(unknown, 3, 'No thread is named "worker 9". There are: main thread, worker ');
    const thread = /worker \d+(?=\.\n$)/.exec(unknown.stderr)![0];

    const args = ['leaks', pid, '--thread', thread, '--yes', '--wait', '2', '--json'];
    const { status, stdout, stderr } = await evdiag(args);
    expect(status, stderr).toBe(0);
    const report = JSON.parse(stdout) as LeakReport;
    expect(report).toMatchObject({ input: 'process', thread, snapshots: [{}, {}, {}] });
    expect(report.spanMs).toBeGreaterThan(0);
    const found = report.suspects.map(({ holder, place }) => `${holder} ${place?.file}:${place?.line}`);
    expect(found).toEqual([`module variable "ofWorker" ${file}:${lineOf(LEAKY_WORKER, '// holder')}`]);
    program.kill('SIGKILL');
    await program.ended;
  }),
  LIMIT_MS,
);
