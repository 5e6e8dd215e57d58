import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { describe, expect, test, vi } from 'vitest';
import { metricValue, type ReadFamily, readExposition } from '../support/exposition.ts';
import { complaints, inLab, type Lab, type Program, type RunOptions } from '../support/run-agent.ts';

const ANY_PORT = '127.0.0.1:0';

/** Far away: most of it waits, and a busy machine makes that long. */
const HANG_MS = 150_000;
vi.setConfig({ testTimeout: 160_000 });

/** Blocks its loop, on SIGUSR2, until a file is there; ends on SIGTERM with 5. */
const BLOCKS = `
const { existsSync } = require('node:fs');
process.on('SIGUSR2', () => { console.log('blocked'); while (!existsSync('go')); console.log('free'); });
process.once('SIGTERM', () => process.exit(5));
globalThis.keep = [setInterval(() => {}, 1e6), require('node:net').createServer().listen(0)];
console.log('ready');
`;

async function serving(lab: Lab, text = BLOCKS, options: RunOptions = {}): Promise<{ program: Program; url: string }> {
  const env = { EVDIAG_METRICS: ANY_PORT, ...options.env };
  const program = lab.start(lab.file('app.cjs', text), { hangMs: HANG_MS, ...options, env });
  await Promise.all([program.until('stdout', 'ready'), program.until('stderr', '/metrics\n')]);
  return { program, url: /metrics are at (\S+)/.exec(program.stderr())![1]! };
}

async function scrape(url: string): Promise<Map<string, ReadFamily>> {
  const response = await fetch(url);
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  return readExposition(await response.text());
}

type Metrics = Map<string, ReadFamily>;

async function scrapeUntil(url: string, isGood: (metrics: Metrics) => boolean): Promise<Metrics> {
  for (let i = 0; i < 2000; i++) {
    const metrics = await scrape(url);
    if (isGood(metrics)) return metrics;
    await setTimeout(50);
  }
  throw new Error('the metrics never said so');
}

async function endsWell({ kill, ended }: Program): Promise<void> {
  kill('SIGTERM');
  expect(await ended).toMatchObject({ exitCode: 5, ownStderr: '' });
}

test(
  'a scrape is answered while the loop is blocked, and says for how long; afterwards, what the stall was',
  inLab(async (lab) => {
    const { program, url } = await serving(lab);
    const before = await scrape(url);
    program.kill('SIGUSR2');
    const during = await scrapeUntil(url, (metrics) => metricValue(metrics, 'evdiag_stall_open_seconds') > 0.5);
    expect(program.stdout()).not.toContain('free');
    expect(metricValue(during, 'nodejs_eventloop_lag_seconds')).toBeGreaterThan(0.5);
    expect(metricValue(during, 'nodejs_eventloop_lag_max_seconds')).toBeGreaterThan(0.5);
    expect(metricValue(during, 'evdiag_eventloop_utilization')).toBeGreaterThan(0.4);
    const name = 'evdiag_blocked_seconds_total';
    expect(metricValue(during, name) - metricValue(before, name)).toBeGreaterThan(0.4);
    writeFileSync(join(lab.folder, 'go'), '');
    await program.until('stdout', 'free');
    const total = (metrics: Metrics) => metricValue(metrics, 'evdiag_stalls_total');
    const after = await scrapeUntil(
      url,
      (metrics) => total(metrics) > total(before) && metricValue(metrics, 'evdiag_stall_open_seconds') === 0,
    );
    expect(metricValue(after, 'nodejs_eventloop_lag_max_seconds')).toBeGreaterThan(0.5);
    expect(metricValue(after, 'evdiag_stall_duration_seconds_sum')).toBeGreaterThan(0.5);
    // At once: not empty.
    const again = await scrape(url);
    expect(metricValue(again, 'nodejs_eventloop_lag_max_seconds')).toBeGreaterThanOrEqual(
      metricValue(after, 'nodejs_eventloop_lag_max_seconds'),
    );
    await endsWell(program);
  }),
);

test(
  'a finding of a blocked loop is counted',
  inLab(async (lab) => {
    const { program, url } = await serving(
      lab,
      `${BLOCKS}\nsetInterval(() => require('node:child_process').execFileSync('sleep', ['0.4']), 1000);`,
    );
    const labels = { rule: 'blocked-event-loop' };
    const found = await scrapeUntil(url, (metrics) => metricValue(metrics, 'evdiag_findings_total', labels) > 0);
    expect(metricValue(found, 'evdiag_findings', labels)).toBeGreaterThan(0);
    await endsWell(program);
  }),
);

test(
  'names, types and help are those of prom-client where it has the metric; the page of metrics has all',
  inLab(async (lab) => {
    const register = new Registry();
    collectDefaultMetrics({ register });
    const theirs = new Map((await register.getMetricsAsJSON()).map((metric) => [metric.name, metric]));
    const { program, url } = await serving(
      lab,
      `${BLOCKS}\nsetInterval(() => Array.from({ length: 1e5 }, () => ({})), 20);`,
      {
        env: { EVDIAG_LEVEL: 'diagnose' },
      },
    );
    const metrics = await scrapeUntil(
      url,
      (seen) =>
        metricValue(seen, 'nodejs_gc_duration_seconds_count', { kind: 'minor' }) > 0 &&
        seen.has('nodejs_heap_size_used_bytes') &&
        (process.platform !== 'linux' || seen.has('evdiag_main_thread_cpu_seconds_total')) &&
        seen.has('evdiag_unfinished'),
    );
    const shared = [...metrics].filter(([name]) => /^(nodejs|process)_/.test(name));
    expect(shared.length).toBeGreaterThan(20);
    for (const [name, { type, help }] of shared) {
      expect({ name, type }).toEqual({ name, type: String(theirs.get(name)?.type) });
      expect(help.startsWith(theirs.get(name)!.help.replace(/\.$/, '')), `${name}: ${help}`).toBe(true);
    }
    const bounds = metrics.get('nodejs_gc_duration_seconds')!.samples.map(({ labels }) => labels.le);
    expect(bounds.slice(0, 7)).toEqual(['0.001', '0.01', '0.1', '1', '2', '5', '+Inf']);
    const page = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8');
    const documented = [...page.matchAll(/^\| `((?:nodejs|process|evdiag)_\w+)`/gm)].map((match) => match[1]!);
    const platform = process.platform === 'linux' ? [] : documented.filter((name) => !metrics.has(name));
    expect([...metrics.keys(), ...platform].sort()).toEqual(documented.sort());
    await endsWell(program);
  }),
);

const answerOf = async (socket: Socket): Promise<string> => {
  let text = '';
  socket.setEncoding('utf8').on('data', (more: unknown) => {
    text += String(more);
  });
  socket.on('error', () => {});
  await once(socket, 'close');
  return text;
};

test(
  'only GET /metrics is answered; what is too long, too slow or too much is cut off',
  inLab(async (lab) => {
    const { program, url } = await serving(lab);
    const { port } = new URL(url);
    const send = async (text: string): Promise<string> => {
      const socket = connect(Number(port), '127.0.0.1');
      socket.write(text);
      return (await answerOf(socket)).split('\r\n')[0]!;
    };
    const silent = connect(Number(port), '127.0.0.1');
    const unfinished = connect(Number(port), '127.0.0.1');
    unfinished.write('GET /metrics HTTP/1.1\r\nHost: x\r\n');
    const [silentEnd, unfinishedEnd] = [answerOf(silent), answerOf(unfinished)];
    for (const [request, answer] of [
      ['POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n', 'HTTP/1.1 405 Method Not Allowed'],
      ['GET / HTTP/1.1\r\nHost: x\r\n\r\n', 'HTTP/1.1 404 Not Found'],
      ['GET /metrics/x HTTP/1.1\r\nHost: x\r\n\r\n', 'HTTP/1.1 404 Not Found'],
      ['GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\nx', 'HTTP/1.1 400 Bad Request'],
      ['garbage\r\n\r\n', 'HTTP/1.1 400 Bad Request'],
      [
        `GET /metrics HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`,
        'HTTP/1.1 431 Request Header Fields Too Large',
      ],
    ] as const) {
      expect(await send(request), request.slice(0, 60)).toBe(answer);
    }
    // More than it admits: the oldest go, and a scrape comes through.
    const many = Array.from({ length: 60 }, () => connect(Number(port), '127.0.0.1').on('error', () => {}));
    await Promise.all(many.slice(0, 16).map((socket) => (socket.connecting ? once(socket, 'connect') : null)));
    await scrape(`${url}?x=1`);
    expect(await silentEnd).not.toContain('200');
    expect(await unfinishedEnd).not.toContain('200');
    for (const socket of many) socket.destroy();
    await endsWell(program);
  }),
);

async function takenPort(): Promise<{ port: number; release: () => void }> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, release: () => void server.close() };
}

/** The process that serves metrics there; '' if none does. */
async function pidAt(port: number): Promise<string> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/metrics`, { signal: AbortSignal.timeout(3000) });
    return /evdiag_info\{.*pid="(\d+)"/.exec(await response.text())?.[1] ?? '';
  } catch {
    return '';
  }
}

describe('a port that is taken', () => {
  const FAMILY = `
const { fork } = require('node:child_process');
if (process.argv[2] === 'child') setTimeout(() => console.log('child'), 700);
else for (let i = 0; i < 3; i++) fork(__filename, ['child']);
setTimeout(() => {}, 1500);
`;

  test(
    'is one sentence for the whole family of processes, which goes on unharmed',
    inLab(async (lab) => {
      const { port, release } = await takenPort();
      const run = await lab.expectSame(lab.file('app.cjs', FAMILY), {
        env: { EVDIAG_METRICS: String(port) },
        hangMs: HANG_MS,
      });
      release();
      const said = complaints(run).filter((line) => line.includes('metrics'));
      expect(said).toEqual([
        expect.stringMatching(/^process \d+ serves no metrics: port \d+ on 127\.0\.0\.1 is taken; a range such as /),
      ]);
    }),
  );

  test(
    'in a range is passed over: each process has one of its own',
    inLab(async (lab) => {
      const { port, release } = await takenPort();
      const forks = `if (!process.argv[2]) {
  const child = require('node:child_process').fork(__filename, ['child'], { stdio: 'ignore' });
  child.unref();
  console.log('child', child.pid);
}`;
      const text = BLOCKS.replace('globalThis.keep', () => `${forks}\nglobalThis.keep`);
      const range = { EVDIAG_METRICS: `${port}-${Math.min(65_535, port + 20)}` };
      const program = lab.start(lab.file('app.cjs', text), { env: range, hangMs: HANG_MS });
      await program.until('stdout', 'ready');
      const child = Number(/child (\d+)/.exec(program.stdout())![1]);
      const missing = new Set([String(program.pid), String(child)]);
      const most = Math.min(65_535, port + 20);
      for (let i = 0; i < 400 && missing.size > 0; i++) {
        for (let one = port + 1; one <= most; one++) missing.delete(await pidAt(one));
        await setTimeout(50);
      }
      release();
      expect([...missing]).toEqual([]);
      process.kill(child, 'SIGTERM');
      program.kill('SIGTERM');
      expect(complaints(await program.ended)).toEqual([]);
    }),
  );
});

test(
  'a program with metrics ends by itself, and a setting that cannot be read is one sentence',
  inLab(async (lab) => {
    const app = lab.file('app.cjs', "setTimeout(() => console.log('done'), 300);");
    const served = await lab.expectSame(app, { env: { EVDIAG_METRICS: ANY_PORT } });
    // A busy machine may not get there in that time.
    expect(complaints(served).filter((line) => !line.startsWith('metrics are at http:'))).toEqual([]);
    const bad = lab.start(lab.file('bad.cjs', BLOCKS), { env: { EVDIAG_METRICS: 'example.com:80' }, hangMs: HANG_MS });
    await Promise.all([bad.until('stdout', 'ready'), bad.until('stderr', '\n')]);
    await endsWell(bad);
    expect(complaints(await bad.ended)).toEqual([
      expect.stringMatching(/^EVDIAG_METRICS="example.com:80" is not a port/),
    ]);
    const quiet = await lab.expectSame(app, { env: { EVDIAG_METRICS: 'nowhere', EVDIAG_QUIET: '1' } });
    expect(quiet.said).toEqual([]);
  }),
);
