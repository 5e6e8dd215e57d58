import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ROOT } from '../support/run-agent.ts';
import { FAULTS } from './faults.ts';
import { type Outcome, runFault } from './run-fault.ts';
import { faultTable, type MeasuredFault } from './table.ts';

const measured = new Map<string, MeasuredFault>();
const seen = ({ stdout, end, ownStderr }: Outcome) => ({ stdout, end, ownStderr });

describe('a program with a fault ends and prints as without the agent', () => {
  for (const fault of FAULTS) {
    const problem = fault.problem?.() ?? null;
    if (problem !== null) measured.set(fault.name, { name: fault.name, problem });
    it.skipIf(problem !== null).concurrent(
      `${fault.name}${problem ? ` (${problem})` : ''}`,
      { timeout: 180_000 },
      async () => {
        const [without, observed] = await Promise.all([runFault(fault, false), runFault(fault, true)]);
        measured.set(fault.name, { name: fault.name, problem: null, without, observed });
        expect(seen(observed), observed.said.join('\n')).toEqual(seen(without));
        // The exit waits 1.5 s for the watchdog at most, and a second more where it hangs; the rest is for a busy machine.
        expect(observed.ms - without.ms).toBeLessThan(20_000);
      },
    );
  }
});

afterAll(() => {
  const rows = FAULTS.map(({ name }) => measured.get(name)).filter((row) => row !== undefined);
  const text = faultTable(rows);
  console.log(text);
  // `npm run faults`
  if (process.env.WRITE_FAULTS) writeFileSync(join(ROOT, 'docs/reliability.md'), text);
});
