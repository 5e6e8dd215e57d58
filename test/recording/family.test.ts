import { describe, expect, test } from 'vitest';
import { inFamilyOrder } from '../../src/recording/family.ts';
import { recordingOf } from '../support/recording.ts';

/** [pid, threadId, parentPid, start] */
type Thread = readonly [number, number, number, number];

function ordered(...threads: Thread[]): string[] {
  const recordings = threads.map(([pid, threadId, parentPid, startMonotonicMs]) =>
    recordingOf([], { pid, threadId, parentPid, startMonotonicMs }),
  );
  return inFamilyOrder(recordings).map(({ header }) => `${header.pid}/${header.threadId}`);
}

describe('inFamilyOrder', () => {
  test('main thread, its workers, then children by age, each before its own', () => {
    const order = ordered(
      [30, 0, 20, 4],
      [21, 0, 10, 5],
      [10, 11, 1, 2],
      [10, 2, 1, 3],
      [20, 3, 10, 6],
      [20, 0, 10, 3],
      [10, 0, 1, 1],
    );
    expect(order).toEqual(['10/0', '10/2', '10/11', '20/0', '20/3', '30/0', '21/0']);
  });

  test('a process whose parent was not recorded comes after the older root', () => {
    expect(ordered([9, 0, 77, 5], [10, 0, 1, 1], [11, 0, 10, 8])).toEqual(['10/0', '11/0', '9/0']);
  });

  test('processes that are their own or each other’s parents are kept', () => {
    expect(ordered([5, 0, 5, 3], [7, 0, 8, 1], [8, 0, 7, 2])).toEqual(['5/0', '7/0', '8/0']);
  });
});
