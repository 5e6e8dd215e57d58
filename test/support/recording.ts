/** Small synthetic recordings. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Header, Location, Recording, Row, RowOf } from '../../src/recording/types.ts';

export const header: Header = {
  t: 0,
  type: 'header',
  format: 'evdiag-recording',
  major: 1,
  minor: 0,
  evdiagVersion: '0.1.0',
  nodeVersion: 'v20.11.0',
  v8Version: '11.3',
  libuvVersion: '1.46.0',
  pid: 100,
  parentPid: 1,
  threadId: 0,
  argv: ['/usr/bin/node', '/srv/app.js'],
  startedAt: '2026-01-02T03:04:05.000Z',
  startMonotonicMs: 1000,
  level: 'diagnose',
  slowMs: 100,
  samplers: ['cpu', 'event-loop-delay'],
  platform: 'linux',
  arch: 'x64',
  cpuCount: 4,
  containerCpus: null,
  containerMemoryBytes: null,
};

export const location: Location = { file: '/srv/app.js', line: 12, column: 3, function: 'handler' };

export function stall(fields: Partial<RowOf<'stall'>> = {}): RowOf<'stall'> {
  const place = fields.location === undefined ? location : fields.location;
  const frames = place === null ? [] : [{ ...place, category: 'application' as const }];
  const kind = fields.kind ?? 'sync-fs';
  const durationMs = fields.durationMs ?? 400;
  return {
    t: 1900,
    type: 'stall',
    id: 1,
    startMs: 1500,
    durationMs,
    kind,
    location: place,
    stacks: [{ weightMs: durationMs, kind, frames, location: place }],
    cpuMs: durationMs,
    runQueueMs: 0,
    gcMs: 0,
    startup: false,
    debugger: false,
    waiting: 3,
    confidence: 0.9,
    ...fields,
  };
}

export function cpu(fields: Partial<RowOf<'cpu'>> = {}): RowOf<'cpu'> {
  return {
    t: 1000,
    type: 'cpu',
    intervalMs: 1000,
    userMs: 100,
    systemMs: 0,
    mainThreadMs: 100,
    runQueueMs: 0,
    ...fields,
  };
}

export function utilization(utilization: number, t = 1000): RowOf<'event-loop-utilization'> {
  return {
    t,
    type: 'event-loop-utilization',
    utilization,
    activeMs: 1000 * utilization,
    idleMs: 1000 * (1 - utilization),
  };
}

export function delayRow(maxMs: number, t = 1000): RowOf<'event-loop-delay'> {
  return {
    t,
    type: 'event-loop-delay',
    count: 100,
    meanMs: 1,
    p50Ms: 1,
    p90Ms: 2,
    p99Ms: 3,
    maxMs,
    heartbeatMaxMs: maxMs,
  };
}

export function agentCost(fields: Partial<RowOf<'agent-cost'>> = {}): RowOf<'agent-cost'> {
  return {
    t: 1000,
    type: 'agent-cost',
    intervalMs: 1000,
    mainThreadMs: 5,
    watchdogMs: 20,
    stacks: 0,
    recordingBytes: 100,
    ...fields,
  };
}

/** A recording in memory, as the reader would give it. */
export function recordingOf(rows: Row[], head: Partial<Header> = {}): Recording {
  return {
    header: { ...header, ...head },
    rows,
    durationMs: rows.at(-1)?.t ?? 0,
    droppedRows: 0,
    skippedLines: 0,
    truncated: false,
    path: null,
  };
}

/** The text of a recording file. */
export function ndjson(lines: readonly unknown[]): string {
  return lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join('');
}

/** A folder that is removed after the test, with these files in it. */
export function tempFolder(files: Record<string, string | Buffer> = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'evdiag-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(folder, name, '..'), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
}
