/** A handful of the programs from the field; all of them: node test/field/run.mjs. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { reportOf } from '../../src/cli/output.ts';
import { readFamily } from '../../src/recording/reader.ts';
import { TEST_NODE } from '../support/run-agent.ts';
import { guiltyLinesOf, readAnswers } from './answers.ts';
import { prepareHome } from './home.ts';
import { falseAlarms, sickVerdict } from './judge.ts';
import { runProgram, type Variant } from './run-program.ts';

/** Of each kind one: what blocks, an add-on, listeners, what waits, and what waits for who does not release. */
const HANDFUL = [
  'bcryptjs-compare-sync',
  'bcrypt-hash-sync',
  'winston-logger-per-request',
  'ioredis-silent-server',
  'async-mutex-unreleased',
];
const CURED = 'async-mutex-unreleased';
/** Kinds of findings by which a report says that the host was busy. */
const HELD_UP = new Set(['contention', 'host']);
const INSTALL_MS = 300_000;
const RUN_MS = 110_000;
const answers = readAnswers();
const out = mkdtempSync(join(tmpdir(), 'evdiag-field-'));
let home: string | null = null;
let why = '';

beforeAll(() => {
  try {
    home = prepareHome(TEST_NODE, () => {}, INSTALL_MS);
  } catch (error) {
    // A registry that takes longer is no fault of the programs.
    why = (error as Error).message.split('\n')[0]!;
  }
}, INSTALL_MS + 60_000);
afterAll(() => rmSync(out, { recursive: true, force: true }));

type Skip = (condition: boolean, note: string) => void;

async function findingsOf(name: string, variant: Variant, skip: Skip) {
  skip(home === null, `the libraries are not installed: ${why}`);
  const folder = join(out, `${name}-${variant}`);
  const env = { EVDIAG_OUT: folder, EVDIAG_LEVEL: 'diagnose', EVDIAG_QUIET: '1' };
  const place = { node: TEST_NODE, home: home!, args: ['-r', 'evdiag/agent'], env };
  const lacks = await runProgram(name, variant, answers.get(name)!, place);
  skip(lacks !== null, `needs ${lacks}`);
  return reportOf(readFamily(folder)).findings;
}

for (const name of HANDFUL) {
  test(
    `${name}: a finding of the right kind, or a guilty line`,
    async ({ skip }) => {
      const findings = await findingsOf(name, 'sick', skip);
      const { found, located, told } = sickVerdict(name, answers.get(name)!, guiltyLinesOf(name), findings);
      const wasHeld = findings.some(({ kind }) => HELD_UP.has(kind));
      skip(wasHeld && !found && !located, 'the host was too busy to judge by that, and the report says so');
      expect(found || located, told.join('\n')).toBe(true);
    },
    RUN_MS,
  );
}

test(
  `${CURED}, cured: silence`,
  async ({ skip }) => {
    expect(falseAlarms(await findingsOf(CURED, 'cured', skip))).toEqual([]);
  },
  RUN_MS,
);
