import { expect, test } from 'vitest';
import { createSerialRows } from '../../agents/watchdog/serial-rows.ts';
import { tempFolder } from '../support/recording.ts';

const CODE = `async function list() {
  for (const id of ids) {
    users.push(await getUser(id));
  }
}
`;

test('an await that was seen by a stack, and while it waited, is one step: the longer of its longest calls counts', () => {
  const file = `${tempFolder({ 'app.js': CODE })}/app.js`;
  const rows = createSerialRows(([name, url, line, column]) => ({
    ...{ file: url!, line, column, function: name ?? '', category: 'application' as const },
  }));
  const [operand, awaits] = [CODE.split('\n')[2]!.indexOf('getUser') + 1, CODE.split('\n')[2]!.indexOf('await') + 1];
  const step = (column: number, count: number) => ({
    ...{ frame: ['list', file, 3, column] as ['list', string, number, number], count, waitedMs: 25 * count, pauses: 0 },
    longest: { count, waitedMs: 25 * count, maxMs: 30 },
  });
  const own = ['list', file, 3, operand] as ['list', string, number, number];
  const serial = { id: 1, runs: 2, atOnce: 1, frames: [own], steps: [step(operand, 3), step(awaits, 9)] };
  expect(rows([serial], 1000)).toMatchObject({
    entries: [{ steps: [{ location: { column: awaits }, count: 12, waitedMs: 300, longest: { count: 9 } }] }],
  });
});
