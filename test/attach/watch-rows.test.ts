import { expect, test } from 'vitest';
import type { Connection } from '../../src/attach/connect.ts';
import { watchRows } from '../../src/attach/watch-rows.ts';
import type { RequestOptions } from '../../src/attach/wire.ts';
import type { LivePart } from '../../src/protocol/live.ts';
import { cpu, deepSample, header, stall } from '../support/recording.ts';

/** What an agent sends, in order; and what the viewer heard. */
function watched(...parts: (LivePart | { part: 'rows'; threadId: number; rows: unknown[] })[]) {
  const heard: boolean[] = [];
  let send: (part: unknown) => void = () => {};
  const connection = {
    request(_method: string, _params: object, { onPart }: RequestOptions<unknown>) {
      send = onPart!;
      return new Promise(() => {});
    },
  } as unknown as Connection;
  const watching = watchRows(connection, (urgent) => heard.push(urgent));
  for (const part of parts) send(part);
  return { recordings: watching.recordings(), heard };
}

const MAIN: LivePart = { part: 'thread', header, folder: '/out/main-100' };

test('rows go to their thread, the main thread first, and stalls are urgent', () => {
  const { recordings, heard } = watched(
    { part: 'thread', header: { ...header, threadId: 2 }, folder: null },
    MAIN,
    { part: 'rows', threadId: 0, rows: [cpu({ t: 5 }), { t: 6, type: 'dropped', rows: 3, why: 'full' }] },
    { part: 'rows', threadId: 2, rows: [stall({ t: 7 })] },
    { part: 'rows', threadId: 9, rows: [cpu({ t: 8 })] },
  );
  expect(
    recordings.map(({ header: { threadId }, durationMs, droppedRows, path }) => [
      threadId,
      durationMs,
      droppedRows,
      path,
    ]),
  ).toEqual([
    [0, 6, 3, '/out/main-100'],
    [2, 7, 0, null],
  ]);
  expect(heard).toEqual([false, false, false, true, false]);
});

test('rows that are none are left out', () => {
  const { recordings } = watched(MAIN, {
    part: 'rows',
    threadId: 0,
    rows: [cpu({ t: 5 }), { t: 'x', type: 'cpu' }, null],
  });
  expect(recordings[0]!.rows).toEqual([cpu({ t: 5 })]);
});

test('the newest rows are kept, of large ones fewer', () => {
  const many = Array.from({ length: 30_000 }, (_, t) => cpu({ t }));
  const { recordings } = watched(MAIN, { part: 'rows', threadId: 0, rows: many });
  expect(recordings[0]!.rows.length).toBe(20_000);
  expect(recordings[0]!.rows.at(-1)).toEqual(many.at(-1));
  const large = Array.from({ length: 500 }, (_, t) => deepSample({ t }));
  const looks = watched(MAIN, { part: 'rows', threadId: 0, rows: [...large, cpu({ t: 600 })] }).recordings[0]!.rows;
  expect(looks.length).toBe(201);
  expect(looks[0]!.t).toBe(300);
});
