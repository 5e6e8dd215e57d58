import { type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { fanOut } from '../../src/lab/fan-out.ts';
import { labs } from '../../src/lab/index.ts';
import { loopThroughput } from '../../src/lab/loop-throughput.ts';
import { switchCost } from '../../src/lab/switch-cost.ts';
import { labText, type Machine } from '../../src/lab/text.ts';
import type { LabResult } from '../../src/lab/types.ts';
import { painter } from '../../src/util/terminal.ts';
import { ROOT, TEST_NODE } from '../support/run-agent.ts';

const BIN = join(ROOT, 'bin/evdiag.mjs');
const { NODE_OPTIONS: _, FORCE_COLOR: __, ...ENV } = process.env;

function evdiag(...args: string[]): SpawnSyncReturns<string> {
  return spawnSync(TEST_NODE, [BIN, 'lab', ...args], { encoding: 'utf8', env: ENV, timeout: 150_000 });
}

describe('evdiag lab', () => {
  test('without an id lists the labs', () => {
    const { status, stdout, stderr } = evdiag();
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    for (const { id } of labs) expect(stdout).toMatch(new RegExp(`^${id} {2}\\S`, 'm'));
    expect(JSON.parse(evdiag('--json').stdout)).toEqual(
      labs.map(({ id, title, description, seconds }) => ({ id, title, description, seconds })),
    );
  });

  test('an unknown id is one sentence that names those that exist', () => {
    const stderr = `evdiag: There is no lab "nope". Available: ${labs.map(({ id }) => id).join(', ')}.\n`;
    expect(evdiag('nope')).toMatchObject({ status: 2, stdout: '', stderr });
    expect(evdiag('nope', '--json')).toMatchObject({ status: 2, stdout: '', stderr });
  });

  test('switch-cost prints machine, table and conclusions, and no progress where nobody looks', () => {
    const { status, stdout, stderr } = evdiag('switch-cost');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^Node\.js v\d+\.\d+\.\d+ · \w+ \w+ · \d+ cores?/m);
    expect(stdout).toMatch(/per switch +p10–p90 +× call/);
    expect(stdout).toMatch(/^function call +[\d.]+ ns +\S.* ns +1 {2}\S+$/m);
    expect(stdout).toMatch(/^child start +[\d.]+ m?s .*█/m);
    expect(stdout).toContain('100 000 awaits of available values');
    expect(stdout).not.toContain('\x1b');
  });

  test('--json has the units in the names', () => {
    const { status, stdout, stderr } = evdiag('switch-cost', '--json');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const result = JSON.parse(stdout);
    expect(result).toMatchObject({
      schema: 'evdiag-lab/1',
      lab: 'switch-cost',
      machine: { node: expect.stringMatching(/^v\d/), coreCount: expect.any(Number) },
      baseline: 'function-call',
      gaps: [],
      conclusions: expect.arrayContaining([expect.stringContaining('awaits')]),
    });
    for (const row of result.rows) {
      expect(row).toEqual({
        id: expect.stringMatching(/^[a-z0-9-]+$/),
        title: expect.any(String),
        medianNs: expect.any(Number),
        p10Ns: expect.any(Number),
        p90Ns: expect.any(Number),
        roundCount: expect.any(Number),
        repetitionCount: expect.any(Number),
      });
    }
  });

  // Where processes can be seen in /proc.
  test.skipIf(process.platform !== 'linux').each(['SIGINT', 'SIGKILL'] as const)(
    '%s leaves no child',
    async (signal) => {
      const lab = spawn(TEST_NODE, [BIN, 'lab', 'switch-cost'], { env: ENV, stdio: 'ignore' });
      const children = await vi.waitUntil(() => childrenOf(lab.pid!), { timeout: 60_000 });
      lab.kill(signal);
      expect(await once(lab, 'exit')).toEqual([null, signal]);
      await vi.waitUntil(() => !children.some(isRunning), { timeout: 60_000 });
    },
  );
});

/** Null where it has none. */
function childrenOf(pid: number): number[] | null {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return text === '' ? null : text.split(' ').map(Number);
}

/** A zombie has ended: it only waits for its new parent. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

describe('the table', () => {
  const machine: Machine = { node: 'v99.0.0', platform: 'linux', arch: 'x64', coreCount: 1, cpu: 'A \x1b[31mCPU' };
  const row = (id: string, medianNs: number, p10Ns: number, p90Ns: number) => ({
    ...{ id, title: id },
    figures: { medianNs, p10Ns, p90Ns, roundCount: 9, repetitionCount: 1 },
  });
  const result: LabResult = {
    rows: [
      row('function-call', 2, 1.96, 3.1),
      row('await-value', 84, 80, 120),
      row('worker-start', 31_000_000, 870_000, 44_400_000),
    ],
    gaps: [{ id: 'child-start', title: 'child start', why: 'it may not' }],
    conclusions: ['An await is cheap.'],
  };
  const text = (width: number, color = false) => labText(switchCost, result, machine, { paint: painter(color), width });

  test('aligns what it shows, with a logarithmic chart', () => {
    expect(text(80)).toBe(`switch-cost: ${switchCost.title}
Node.js v99.0.0 · linux x64 · 1 core · A [31mCPU

               per switch       p10–p90      × call  1 ns    log scale    100 ms
function-call        2 ns      2–3.1 ns           1  █
await-value         84 ns     80–120 ns          42  ██████▌
worker-start        31 ms  870 µs–44 ms  16 000 000  █████████████████████████▎
child start: not measured, it may not

An await is cheap.
`);
  });

  test('fits narrow terminals: without the chart, then without the spread', () => {
    expect(text(60)).toContain('p10–p90');
    expect(text(60)).not.toContain('█');
    expect(text(40)).not.toContain('p10–p90');
    for (const width of [40, 50, 60, 70, 80, 100, 140]) {
      const [, ...lines] = text(width).split('\n');
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(width);
    }
  });

  test('colour changes nothing but the colour', () => {
    expect(text(80, true)).toContain('\x1b[36m');
    expect(text(80, true).replace(/\x1b\[\d+m/g, '')).toBe(text(80));
  });

  test('without the row to compare with there is no comparison', () => {
    const rest = { ...result, rows: result.rows.slice(1) };
    expect(labText(switchCost, rest, machine, { paint: painter(false), width: 80 })).toMatch(
      /^await-value +84 ns +80–120 ns +█/m,
    );
  });

  test('more figures and what field reports say are columns; what is least important is dropped first', () => {
    const way = (id: string, wallMs: number, reported: string) => ({
      ...{ id, title: id, reported },
      figures: { wallMs, cpuMs: 90, memoryBytes: 2 ** 22, resultCount: 100 },
    });
    const rows = [way('serial', 20_100, '20 s'), way('concurrent', 402, '0.5 s')];
    const shown = (width: number) =>
      labText(fanOut, { rows, gaps: [], conclusions: [] }, machine, { paint: painter(false), width });
    expect(shown(100)).toContain(`
              time  × conc.    CPU  memory  results  field reports  0                         20.1 s
serial      20.1 s       50  90 ms   4 MiB      100           20 s  ████████████████████████████████
concurrent  402 ms        1  90 ms   4 MiB      100          0.5 s  ▋
`);
    expect(shown(64)).toContain('results');
    expect(shown(64)).not.toContain('field reports');
    expect(shown(40)).toMatch(/^serial +20\.1 s +50( +█+)?$/m);
    for (const width of [30, 40, 50, 60, 70, 80, 100, 140]) {
      const lines = shown(width).split('\n').slice(3);
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(width);
    }
  });

  test('a row with a baseline of its own is compared with that', () => {
    const rate = (id: string, perSecond: number, baseline: string) => ({
      ...{ id, title: id, baseline },
      figures: { perSecond, perSecondLow: perSecond - 100, perSecondHigh: perSecond + 100, p50Ms: 0.5, p99Ms: 2 },
    });
    const rows = [rate('tcp', 30_000, 'tcp'), rate('udp', 50_000, 'udp'), rate('udp-agent', 49_000, 'udp')];
    const shown = labText(loopThroughput, { rows, gaps: [], conclusions: [] }, machine, {
      paint: painter(false),
      width: 100,
    });
    expect(shown).toMatch(/^udp +50 000\/s +49 900–50 100\/s +1 /m);
    expect(shown).toMatch(/^udp-agent +49 000\/s +48 900–49 100\/s +1 /m);
  });
});
