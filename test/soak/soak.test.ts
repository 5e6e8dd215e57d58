/**
 * The soak: load, and a stall every second, for SOAK_SECONDS. What the agent holds does not grow, its recording keeps
 * within its bound, and nothing is lost but what is counted. SOAK_SECONDS=600 npx vitest run test/soak
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Row, rowsOf, type StallRow } from '../../src/recording/types.ts';
import { lineOf } from '../support/run-agent.ts';
import { type MemoryLine, type Soak, type StallLine, soak } from './soak.ts';

const SECONDS = Number(process.env.SOAK_SECONDS ?? 40);
const STALL_EVERY_MS = Number(process.env.SOAK_STALL_EVERY_MS ?? 1000);
const MAX_BYTES = 1e6;

let run: Soak;
const folder = mkdtempSync(join(tmpdir(), 'evdiag-soak-'));
beforeAll(
  async () => {
    run = await soak({ folder, seconds: SECONDS, stallEveryMs: STALL_EVERY_MS, agent: process.env.SOAK_AGENT !== '0' });
    if (process.env.SOAK_OUT) writeFileSync(process.env.SOAK_OUT, JSON.stringify(run));
  },
  SECONDS * 1000 + 120_000,
);
afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));

test('it ran', () => {
  expect(run.exitCode).toBe(0);
});
