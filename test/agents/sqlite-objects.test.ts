import { expect, test } from 'vitest';
import { onSqliteObjects } from '../../agents/agent/sqlite-objects.ts';
import { createSensor } from '../../agents/guard.ts';

class Rows {
  next(): string {
    return 'a row';
  }
}

test('the class of what a statement hands out is known from the first one; the statement is as before then', () => {
  const original = (): Rows => new Rows();
  const statement = { iterate: original };
  const known: unknown[] = [];
  onSqliteObjects({ StatementSync: statement, DatabaseSync: {} }, createSensor('sqlite'), (holders) =>
    known.push(holders),
  );
  expect(known).toEqual([]);
  const rows = statement.iterate();
  expect(known).toEqual([{ StatementSyncIterator: Rows.prototype }]);
  expect(rows.next()).toBe('a row');
  expect(statement.iterate).toBe(original);
  statement.iterate();
  expect(known).toHaveLength(1);
});

test('a statement that fails is not taken for one that hands something out', () => {
  const statement = {
    iterate(fails: boolean): Rows {
      if (fails) throw new TypeError('bad parameter');
      return new Rows();
    },
  };
  const known: unknown[] = [];
  onSqliteObjects({ StatementSync: statement }, createSensor('sqlite'), (holders) => known.push(holders));
  expect(() => statement.iterate(true)).toThrow('bad parameter');
  expect(known).toEqual([]);
  statement.iterate(false);
  expect(known).toHaveLength(1);
});
