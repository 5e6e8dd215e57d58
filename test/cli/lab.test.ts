import { type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
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
    expect(evdiag()).toMatchObject({ status: 0, stdout: expect.stringMatching(/^switch-cost {2}\S/), stderr: '' });
    expect(JSON.parse(evdiag('--json').stdout)).toEqual([
      { id: 'switch-cost', title: switchCost.title, description: switchCost.description },
    ]);
  });

  test('an unknown id is one sentence that names those that exist', () => {
    const stderr = 'evdiag: There is no lab "nope". Available: switch-cost.\n';
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
  const row = (id: string, medianNs: number) => ({ roundCount: 9, repetitionCount: 1, id, title: id, medianNs });
  const result: LabResult = {
    rows: [
      { ...row('function-call', 2), p10Ns: 1.96, p90Ns: 3.1 },
      { ...row('await-value', 84), p10Ns: 80, p90Ns: 120 },
      { ...row('worker-start', 31_000_000), p10Ns: 870_000, p90Ns: 44_400_000 },
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
});
