import { readdirSync, readFileSync } from 'node:fs';
import { get } from 'node:http';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { ComparedSuspect, LeakComparison } from '../../src/leaks/compare.ts';
import type { WorkRow } from '../../src/recording/rows/work.ts';
import type { Row } from '../../src/recording/types.ts';
import { evdiag } from '../support/dump.ts';
import { allocations, collections, header, ndjson, tempFolder } from '../support/recording.ts';
import { inLab, type Lab, lineOf, type Program } from '../support/run-agent.ts';

/** Nine snapshots, on a busy machine. */
const LIMIT_MS = 240_000;

const LEAKY = `
const http = require('node:http');
const { EventEmitter } = require('node:events');
const bus = new EventEmitter().setMaxListeners(0);
class Session { constructor(id) { this.id = id; this.data = { id, text: 'session ' + id }; } }
const sessions = new Map(); // holder
let n = 0;
const server = http.createServer((request, response) => {
  if (request.url !== '/') return response.end(require('node:v8').writeHeapSnapshot(request.url));
  const id = n++;
  sessions.set(id, new Session(id));
  const onChange = () => id; // listener
  bus.on('change', onChange);
  response.end('ok');
});
server.listen(0, () => console.log('port ' + server.address().port + '.'));
`;
/** The sessions go, the listeners stay. */
const HALF = LEAKY.replace('const onChange', "response.on('close', () => sessions.delete(id));\n  const onChange");
const WHOLE = HALF.replace("end('ok')", "end('ok');\n  bus.off('change', onChange)");

function request(port: string, path = '/'): Promise<void> {
  return new Promise((resolve, reject) => {
    // A kept connection may be closed by the server during a pause.
    get({ host: '127.0.0.1', port, path, agent: false }, (response) => response.resume().on('end', resolve)).on(
      'error',
      reject,
    );
  });
}

async function serve(lab: Lab, file: string, source: string): Promise<{ program: Program; port: string }> {
  const program = lab.start(lab.file(file, source), { env: { EVDIAG_QUIET: '1' } });
  await Promise.all([program.until('stdout', '.'), program.watched()]);
  return { program, port: /port (\d+)/.exec(program.stdout())![1]! };
}

/** Three snapshots with 300 requests between them. */
async function snapshotsOf(lab: Lab, file: string, source: string): Promise<string[]> {
  const { program, port } = await serve(lab, file, source);
  const files = [1, 2, 3].map((step) => join(lab.folder, dirname(file), `${step}.heapsnapshot`));
  for (const snapshot of files) {
    for (let i = 0; i < 300; i++) await request(port);
    await request(port, snapshot);
  }
  program.kill('SIGKILL');
  await program.ended;
  return files;
}

test(
  'of a leaky server and its cures it is told what is gone, what remains, and the growth per request',
  inLab(async (lab) => {
    const before = await snapshotsOf(lab, 'app/server.cjs', LEAKY);
    const half = await snapshotsOf(lab, 'half/server.cjs', HALF);
    await snapshotsOf(lab, 'cured/server.cjs', WHOLE);

    const told = await evdiag(['leaks', '--before', ...before, '--after', ...half, '--requests', '600,600', '--json']);
    expect(told.status, told.stderr).toBe(1);
    const found: LeakComparison = JSON.parse(told.stdout);
    expect(found).toMatchObject({ schema: 'evdiag-leaks-diff/1', verdict: 'remains', unit: 'request' });
    const of = ({ before, after }: ComparedSuspect): string => (after ?? before)!.holder;
    const names = found.suspects.map((suspect) => `${suspect.outcome} ${of(suspect)}`);
    expect(names).toEqual([
      'remains listeners of "change" on EventEmitter (module variable "bus")',
      'gone module variable "sessions"',
    ]);
    const [listeners, sessions] = found.suspects;
    expect([listeners!.outcome, listeners!.after!.place!.line]).toEqual(['remains', lineOf(HALF, '// listener')]);
    expect([sessions!.outcome, sessions!.before!.place!.line]).toEqual(['gone', lineOf(LEAKY, '// holder')]);
    for (const rate of [listeners!.beforeRate!, listeners!.afterRate!, sessions!.beforeRate!]) {
      expect(rate.count).toBeCloseTo(1, 1);
    }

    const folders = ['app', 'cured'].map((name) => join(lab.folder, name));
    const compare = ['leaks', '--before', folders[0]!, '--after', folders[1]!, '--requests', '600,600'];
    const cured = await evdiag(compare);
    expect([cured.status, cured.stderr]).toEqual([0, '']);
    expect(cured.stdout).toMatch(
      /^All 2 suspects are gone\.\nbefore {2}3 snapshots, .* 600 requests: the heap grows by/,
    );

    const page = join(lab.folder, 'page.html');
    const drawn = await evdiag([...compare, '--format', 'html', '-o', page]);
    expect([drawn.status, drawn.stdout]).toEqual([0, '']);
    expect(readFileSync(page, 'utf8')).toContain('All 2 suspects are gone.');
  }),
  LIMIT_MS,
);

test(
  'a running process is compared with a kept hunt of an earlier one, and its requests are counted',
  inLab(async (lab) => {
    const kept = join(lab.folder, 'kept');
    const steps = ['--wait', '3', '--yes'];
    const hunted = async (file: string, args: (pid: string) => string[]): Promise<string> => {
      const { program, port } = await serve(lab, file, WHOLE);
      let isOver = false;
      const traffic = (async () => {
        for (; !isOver; await pause(10)) await request(port);
      })();
      const run = await evdiag(args(String(program.pid)));
      isOver = true;
      await traffic;
      program.kill('SIGKILL');
      await program.ended;
      expect(run.stderr).not.toMatch(/^evdiag: (?!The snapshots are in)/);
      return run.stdout;
    };
    await hunted('one.cjs', (pid) => ['leaks', pid, ...steps, '--out', kept]);
    const names = readdirSync(kept).map((name) => name.split('.').at(-1));
    expect(names.sort()).toEqual(['heapsnapshot', 'heapsnapshot', 'heapsnapshot', 'json']);
    const text = await hunted('two.cjs', (pid) => ['leaks', '--before', kept, '--after', pid, ...steps, '--json']);
    const found: LeakComparison = JSON.parse(text);
    expect(found).toMatchObject({ schema: 'evdiag-leaks-diff/1', unit: 'request' });
    // Nothing of the program's own grows.
    expect(found.suspects.filter(({ before, after }) => /"(sessions|bus)"/.test((after ?? before)!.holder))).toEqual(
      [],
    );
    for (const { units, parts } of [found.before, found.after]) {
      expect(units).toBeGreaterThan(0);
      expect(parts).toHaveLength(2);
    }
  }),
  LIMIT_MS,
);

const requests = (t: number): WorkRow => ({
  type: 'work',
  t,
  intervalMs: 1000,
  seenShare: 1,
  entries: [{ kind: 'request', name: 'GET /', count: 100, failed: 0, aborted: 0, maxMs: 1, durations: [] }],
});
const LAST_MS = 60_000;
const recorded = (rows: readonly Row[]): string =>
  join(
    tempFolder({
      'out/recording.ndjson': ndjson(
        [header, ...rows, ...Array.from({ length: 60 }, (_, i) => requests(1000 * (i + 1)))].sort((a, b) => a.t - b.t),
      ),
    }),
    'out',
  );
const GROWING = [...collections([20, 26, 32, 38, 44, 50, 56, 62]), allocations([{ aliveBytes: 40e6 }])];
const LEVEL = collections([60, 61, 60, 59, 60, 61, 60, 61]);

describe('two recordings', () => {
  test('of a heap that grew and grows no more, the finding is gone', async () => {
    const run = await evdiag(['leaks', '--before', recorded(GROWING), '--after', recorded(LEVEL), '--json']);
    expect(run.status, run.stderr + run.stdout).toBe(0);
    const found: LeakComparison = JSON.parse(run.stdout);
    expect(found).toMatchObject({ verdict: 'fixed', unit: 'request', before: { units: LAST_MS / 10 } });
    expect(found.suspects.every(({ outcome }) => outcome === 'gone')).toBe(true);
    expect(found.suspects[0]!.beforeRate!.bytes).toBeGreaterThan(1000);
  });

  test('of a heap that grows on, it remains', async () => {
    const run = await evdiag(['leaks', '--before', recorded(GROWING), '--after', recorded(GROWING)]);
    expect([run.status, run.stderr]).toEqual([1, '']);
    expect(run.stdout).toMatch(/^(The suspect remains|None of \d suspects is gone, \d remain)\./);
  });
});

const PACKAGE = join(import.meta.dirname ?? __dirname, '../../package.json');

test('JSON that is something else is refused', async () => {
  const report = join(tempFolder({ 'report.json': '{ "schema": "evdiag-leaks/1", "input": 3 }' }), 'report.json');
  const run = await evdiag(['leaks', '--before', report, '--after', report]);
  expect([run.status, run.stdout]).toEqual([2, '']);
  expect(run.stderr).toMatch(/^evdiag: ".*report\.json" is no leak report: give .*\.\n$/);
});

describe('what cannot be compared is said in a sentence', () => {
  test.each([
    [['leaks'], 'Give a process ID, one to three'],
    [['leaks', '--before', '/nowhere'], 'Give both --before and --after'],
    [['leaks', 'a', '--before', 'b', '--after', 'c'], 'is one input too many'],
    [['leaks', 'a', '--requests', '1,2'], '--requests belongs to'],
    [['leaks', '--before', PACKAGE, '--after', PACKAGE], 'at byte'],
    [['leaks', '--before', '/nowhere', '--after', '/nowhere'], 'does not exist'],
    [['leaks', '--before', 'a', '--after', 'b', '--format', 'svg'], 'give --format html'],
  ])('%j', async (args, words) => {
    const run = await evdiag(args);
    expect(run.stderr).toContain(words);
    expect(run.stderr).toMatch(/^evdiag: [A-Z"-].*[.]\n$/);
    expect([run.stdout, run.status]).toEqual(['', 2]);
  });
});
