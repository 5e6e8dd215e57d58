/** A real process with many leaks and many things that only look like one: the report must tell them apart, and name the holders. */
import { readFileSync } from 'node:fs';
import { transformSync } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { analyseSnapshots } from '../../src/leaks/analyse.ts';
import type { LeakReport, Suspect } from '../../src/leaks/types.ts';
import { lineOf } from '../support/run-agent.ts';
import { observe, type Taken } from './patient.ts';
import { LEAKS, LOOKALIKES } from './shapes.ts';

const TYPESCRIPT = `interface Order {
  id: number;
  lines: string[];
}

type Orders = Map<number, Order>;
const openOrders: Orders = new Map(); // holder
let next = 0;

export function step(): void {
  const order: Order = { id: next++, lines: ['a', 'b'] };
  openOrders.set(order.id, order);
}
`;
const TYPED = {
  id: 'typed',
  source: transformSync(TYPESCRIPT, { loader: 'ts', format: 'cjs', sourcemap: 'inline', sourcefile: 'typed.ts' }).code,
};

let taken: Taken;
let report: LeakReport;

beforeAll(async () => {
  taken = observe([...LEAKS, TYPED, ...LOOKALIKES], 3);
  report = await analyseSnapshots(
    taken.snapshots.map((file) => ({ file })),
    { input: 'snapshots' },
  );
}, 300_000);
afterAll(() => taken?.remove());

const at = ({ place }: Suspect): string => (place ? `${place.file}:${place.line}` : 'nowhere');
const typedPlace = (): string => `${taken.folder}/typed.ts:${lineOf(TYPESCRIPT, '// holder')}`;
const all = (): string => report.suspects.map((each) => `${each.holder} at ${at(each)}`).join('\n');

describe('three snapshots: what leaks is named with its holder, its line and a cure', () => {
  test.each(LEAKS)('$id', ({ id, holder, remedy, source }) => {
    const place = `${taken.file(id)}:${lineOf(source, '// holder')}`;
    const found = report.suspects.filter((each) => at(each) === place);
    expect(
      found.map((each) => each.holder),
      all(),
    ).toHaveLength(1);
    const [suspect] = found;
    expect(suspect!.holder).toMatch(holder);
    expect(suspect!.remedy).toMatch(remedy);
    expect(suspect!.confidence).toBe('likely');
    expect(suspect!.path.length).toBeGreaterThan(1);
    expect(suspect!.path[0]!.name).not.toBe('');
    // 500 in each of two times, of which a few may have the id of something that died where they were made.
    for (const count of suspect!.growth!.counts) expect(count).toBeGreaterThanOrEqual(400);
  });
});

describe('three snapshots: silent on what only looks like a leak', () => {
  test.each(LOOKALIKES)('$id', ({ id }) => {
    const told = report.suspects.filter((each) => JSON.stringify(each).includes(taken.file(id)));
    expect(told.map((each) => `${each.holder}: ${each.message}`)).toEqual([]);
  });

  test('and on everything else', () => {
    const places = new Set(LEAKS.map(({ id, source }) => `${taken.file(id)}:${lineOf(source, '// holder')}`));
    places.add(typedPlace());
    expect(report.suspects.filter((each) => !places.has(at(each))).map((each) => `${each.holder} ${at(each)}`)).toEqual(
      [],
    );
  });
});

test('the line is that of the original source', () => {
  const typed = report.suspects.find(({ holder }) => holder.includes('"openOrders"'));
  expect(typed && at(typed), all()).toBe(typedPlace());
});

test('a slice keeps the memory that it was cut from', () => {
  const slices = report.suspects.find(({ holder }) => holder.includes('"heads"'))!;
  expect(slices.kind).toBe('buffers');
  expect(slices.bytes).toBeGreaterThan(1000 * 20_000);
});

test('two snapshots: the same holders, possible only', async () => {
  const files = [taken.snapshots[0]!, taken.snapshots[2]!].map((file) => ({ file }));
  const two = await analyseSnapshots(files, { input: 'snapshots' });
  expect(two.suspects.map(({ confidence }) => confidence)).not.toContain('likely');
  const holders = two.suspects.map(({ holder }) => holder).join('\n');
  for (const { holder } of LEAKS) expect(holders).toMatch(holder);
  expect(two.notes.join(' ')).toContain('a third one');
});

test('one snapshot: what is large and what is many', async () => {
  const one = await analyseSnapshots([{ file: taken.snapshots[2]! }], { input: 'snapshots' });
  const told = one.suspects.map(({ kind, holder }) => `${kind} ${holder}`);
  for (const words of [
    '"heads"',
    'listeners of "tick"',
    'abort-listeners',
    'timers',
    'suspended async calls of handle',
  ]) {
    expect(told.join('\n')).toContain(words);
  }
  expect(one.suspects.every(({ confidence }) => confidence === 'possible')).toBe(true);
  expect(readFileSync(taken.file('emitter-listener'), 'utf8')).toContain('bus.on');
});

describe('snapshots that do not belong together', () => {
  const error = async (files: string[]): Promise<string> => {
    const failure: unknown = await analyseSnapshots(
      files.map((file) => ({ file })),
      { input: 'snapshots' },
    ).catch((reason: unknown) => reason);
    return (failure as Error).message;
  };

  test('in the wrong order', async () => {
    expect(await error([taken.snapshots[2]!, taken.snapshots[0]!])).toContain('in the order in which they were taken');
  });
});
