import { describe, expect, test } from 'vitest';
import { Origins, type Outgoing, type Reason } from '../../agents/agent/tracking/origins.ts';
import type { RawFrame } from '../../agents/shared-memory.ts';

const FRAMES: RawFrame[] = [['ask', 'file:///srv/app.js', 5, 3]];

function shop() {
  const origins = new Origins();
  const under = new Set<Outgoing>();
  const begin = (frames: RawFrame[] | null = FRAMES): Outgoing => {
    const one: Outgoing = origins.begin('http://shop:80', frames, () => !under.has(one));
    under.add(one);
    return one;
  };
  const end = (one: Outgoing, opened = true, reason: Reason | null = 'client'): void => {
    origins.answered(one, opened, reason);
    under.delete(one);
  };
  return { origins, begin, end };
}

describe('connections that need not have been opened', () => {
  test('are all but the first, one after another', () => {
    const { origins, begin, end } = shop();
    for (let i = 0; i < 10; i++) end(begin());
    expect(origins.read()).toMatchObject([{ requests: 10, opened: 10, avoidable: 9, reasons: { client: 9 } }]);
  });

  test('are none of those that are under way together', () => {
    const { origins, begin, end } = shop();
    const all = Array.from({ length: 10 }, () => begin());
    for (const one of all) end(one);
    expect(origins.read()).toEqual([]);
    // And the next ten could have used these.
    for (const one of Array.from({ length: 10 }, () => begin())) end(one);
    expect(origins.read()).toMatchObject([{ opened: 20, avoidable: 10 }]);
  });

  test('are none that were used again, or that the other side closes', () => {
    const { origins, begin, end } = shop();
    for (let i = 0; i < 10; i++) end(begin(), i === 0);
    for (let i = 0; i < 10; i++) end(begin(), true, null);
    expect(origins.read()).toEqual([]);
  });

  test('count at the lines that are known of an origin, also where it is not known of each request', () => {
    const { origins, begin, end } = shop();
    for (let i = 0; i < 10; i++) {
      end(begin());
      for (let k = 0; k < 3; k++) end(begin(null));
    }
    expect(origins.read()).toMatchObject([{ frames: FRAMES, requests: 40, opened: 40, avoidable: 39 }]);
  });

  test('are reported without a line where none is known', () => {
    const { origins, begin, end } = shop();
    for (let i = 0; i < 3; i++) end(begin(null));
    expect(origins.read()).toMatchObject([{ frames: [], requests: 3, avoidable: 2 }]);
  });

  test('are not known across a pause', () => {
    const { origins, begin, end } = shop();
    end(begin());
    origins.pause();
    end(begin());
    expect(origins.read()).toEqual([]);
  });
});

test('only what changed since the last reading is read again', () => {
  const { origins, begin, end } = shop();
  end(begin());
  end(begin());
  expect(origins.read()).toHaveLength(1);
  origins.settle();
  expect(origins.read()).toEqual([]);
});

test('a client is new once for each origin', () => {
  const { origins } = shop();
  const agent = {};
  expect(origins.isNewClient('http://shop:80', agent)).toBe(true);
  expect(origins.isNewClient('http://shop:80', agent)).toBe(false);
  expect(origins.isNewClient('http://bank:80', agent)).toBe(true);
});
