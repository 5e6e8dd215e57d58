import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { loopThroughputLab } from '../../src/lab/loop-throughput.ts';
import { start } from '../../src/lab/process.ts';
import { LAB_FOLDER } from '../../src/lab/programs/types.ts';
import type { LabResult } from '../../src/lab/types.ts';

/** Of child processes, and of the channels to them. */
function held(): string[] {
  return process.getActiveResourcesInfo().filter((name) => /Process|Pipe/.test(name));
}

describe('loop-throughput', () => {
  let result: LabResult;
  let heldBefore: string[];
  const folder = mkdtempSync(join(tmpdir(), 'evdiag-test-'));

  /** But for the folder of sockets that agents share. */
  const left = (): string[] => readdirSync(folder).filter((name) => !/^evdiag-\d+$/.test(name));

  beforeAll(async () => {
    vi.stubEnv('TMPDIR', folder);
    heldBefore = held();
    result = await loopThroughputLab({ rounds: 2, sliceMs: 400, connections: 8, packets: 8 }).run(() => {});
  });

  afterAll(() => {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true, force: true });
  });

  test('all of it could be measured, without and with the agent', () => {
    expect(result.gaps).toEqual([]);
    expect(result.rows.map(({ id, baseline }) => [id, baseline])).toEqual([
      ['tcp', 'tcp'],
      ['tcp-agent', 'tcp'],
      ['udp', 'udp'],
      ['udp-agent', 'udp'],
    ]);
  });

  test('the rates lie within their rounds, and the median time is below the 99th percentile', () => {
    for (const { id, figures } of result.rows) {
      const { perSecond, perSecondLow, perSecondHigh, p50Ms, p99Ms, lostCount } = figures;
      const ordered = [0, perSecondLow, perSecond, perSecondHigh];
      expect(ordered, id).toEqual(ordered.toSorted((a, b) => a! - b!));
      expect(perSecondLow, id).toBeGreaterThan(0);
      expect(p50Ms, id).toBeLessThanOrEqual(p99Ms!);
      expect(lostCount, id).toBeGreaterThanOrEqual(0);
    }
  });

  test('says of both protocols what the agent costs, or that it cannot be seen', () => {
    expect(result.conclusions).toEqual([
      expect.stringMatching(/^TCP: .* with the agent .*(no difference|fewer|more)\.$/),
      expect.stringMatching(/^UDP: .* with the agent .*(no difference|fewer|more)\.$/),
    ]);
  });

  test('leaves no process', async () => {
    await vi.waitFor(() => expect(held()).toEqual(heldBefore), { timeout: 60_000 });
  });

  test('leaves no recording, and a server whose lab is gone removes its folder', async () => {
    expect(left()).toEqual([]);
    const own = mkdtempSync(join(folder, 'evdiag-lab-'));
    const order = { program: 'loop-throughput', way: 'tcp-server', options: {} };
    // Its end is that the channel closes, as it does when the lab is killed.
    await (await start(order, { env: { [LAB_FOLDER]: own } })).end();
    expect(left()).toEqual([]);
  });
});
