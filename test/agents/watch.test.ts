import { describe, expect, test } from 'vitest';
import type { Client, ObservedThread, Target } from '../../agents/watchdog/socket/methods/types.ts';
import { watch } from '../../agents/watchdog/socket/methods/watch.ts';
import type { LivePart } from '../../src/protocol/live.ts';
import type { Row } from '../../src/recording/types.ts';
import { cpu, header } from '../support/recording.ts';

/** A process with one thread, and a viewer that reads as fast as `read` allows. */
function watched(kept: Row[], read: () => Promise<void> = async () => {}) {
  const tellers = new Set<(threadId: number, row: Row) => void>();
  const parts: LivePart[] = [];
  let leave = (): void => {};
  const thread: ObservedThread = { header, folder: () => '/out/main-100', rows: () => kept };
  const target = {
    observed: () => [thread],
    onRow(tell: (threadId: number, row: Row) => void) {
      tellers.add(tell);
      return () => void tellers.delete(tell);
    },
  } as unknown as Target;
  const client: Client<LivePart> = {
    isGone: () => false,
    onGone: (gone) => {
      leave = gone;
    },
    async part(part) {
      parts.push(part);
      await read();
    },
  };
  return {
    answer: watch(target)({}, client),
    parts,
    viewers: () => tellers.size,
    leave: () => leave(),
    record: (row: Row) => {
      for (const tell of tellers) tell(0, row);
    },
    times: () => parts.flatMap((part) => (part.part === 'rows' ? part.rows.map(({ t }) => t) : [])),
  };
}

describe('watch', () => {
  test('sends what is kept, and from then on each row once', async () => {
    const viewer = watched([cpu({ t: 1 }), cpu({ t: 2 })]);
    await expect.poll(() => viewer.times()).toEqual([1, 2]);
    expect(viewer.parts[0]).toEqual({ part: 'thread', header, folder: '/out/main-100' });
    viewer.record(cpu({ t: 3 }));
    viewer.record(cpu({ t: 4 }));
    await expect.poll(() => viewer.times()).toEqual([1, 2, 3, 4]);
    // Those that come together go together.
    expect(viewer.parts.length).toBe(3);
  });

  test('nobody is told any more when the viewer has gone', () => {
    const viewer = watched([]);
    expect(viewer.viewers()).toBe(1);
    viewer.leave();
    expect(viewer.viewers()).toBe(0);
  });

  test('a viewer that does not read is left, and told', async () => {
    const viewer = watched([], () => new Promise(() => {}));
    const told = expect(viewer.answer).rejects.toThrow('too slow');
    for (let t = 0; viewer.viewers() > 0 && t < 100_000; t++) viewer.record(cpu({ t }));
    await told;
    expect(viewer.viewers()).toBe(0);
    expect(viewer.parts.length).toBeLessThanOrEqual(2);
  });
});
