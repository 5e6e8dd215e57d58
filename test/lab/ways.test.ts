import { describe, expect, test } from 'vitest';
import { runWays, type Way } from '../../src/lab/ways.ts';

const quiet = () => {};
const options = { rounds: 3, spread: 'wallMs' };

/** Takes what is given, one after another. */
function wayOf(id: string, times: number[], more: Partial<Way> = {}): Way {
  return { id, title: `title of ${id}`, run: async () => ({ wallMs: times.shift()!, cpuMs: 1 }), ...more };
}

describe('runWays', () => {
  test('rows have the medians of the rounds, and how far the main figure is spread', async () => {
    const { rows, gaps } = await runWays([wayOf('a', [9, 2, 5], { reported: '1 s' })], options, quiet);
    expect(gaps).toEqual([]);
    expect(rows).toEqual([
      {
        ...{ id: 'a', title: 'title of a', reported: '1 s' },
        figures: { wallMs: 5, cpuMs: 1, wallMsLow: 2, wallMsHigh: 9, roundCount: 3 },
      },
    ]);
  });

  test('every round goes through all ways, there and back', async () => {
    const order: string[] = [];
    const noting = (id: string) => wayOf(id, [], { run: async () => ({ wallMs: order.push(id) }) });
    await runWays([noting('a'), noting('b')], options, quiet);
    expect(order.join('')).toBe('abbaab');
  });

  test('a way that fails is a gap, is not tried again, and does not end the others', async () => {
    let tries = 0;
    const failing = wayOf('bad', [], { run: () => Promise.reject(new Error(`try ${++tries}`)) });
    const { rows, gaps } = await runWays([failing, wayOf('good', [1, 1, 1])], options, quiet);
    expect(rows.map(({ id }) => id)).toEqual(['good']);
    expect(gaps).toEqual([{ id: 'bad', title: 'title of bad', why: 'try 1' }]);
  });

  test('progress rises by the weights and what a way reports, and stays below 1', async () => {
    const shares: number[] = [];
    const long = wayOf('long', [], {
      weight: 9,
      run: async (progress) => {
        progress(0.5);
        return { wallMs: 1 };
      },
    });
    await runWays([long, wayOf('short', [1])], { rounds: 1, spread: 'wallMs' }, (share) => shares.push(share));
    expect(shares).toEqual([0, 0.45, 0.9, 0.99]);
  });
});
