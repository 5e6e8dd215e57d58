import { describe, expect, test } from 'vitest';
import { compareHunts, type Hunt, incomparable } from '../../src/leaks/compare.ts';
import { comparisonHtml } from '../../src/leaks/compare-html.ts';
import { comparisonMarkdown } from '../../src/leaks/compare-markdown.ts';
import { comparisonText } from '../../src/leaks/compare-text.ts';
import type { LeakReport, Suspect } from '../../src/leaks/types.ts';
import { painter } from '../../src/util/terminal.ts';

const HOSTILE = '\x1b[31m</script><script>alert(1)</script>"><img src=x>`*\u202e';
const plain = { paint: painter(false), width: 100 };

/** Half of its objects came in each of two intervals; 100 bytes each. */
function suspect(name: string, count: number, more: Partial<Suspect> = {}): Suspect {
  return {
    kind: 'collection',
    confidence: 'likely',
    holder: `module variable "${name}"`,
    place: { file: '/srv/app/shop.js', line: 7, column: 3, function: '' },
    className: `Of${name}`,
    count,
    bytes: 200 * count,
    growth: {
      counts: [count / 2, count / 2],
      newBytes: [count * 50, count * 50],
      heldBytes: [1, 2, 3],
      countPerMinute: null,
      bytesPerMinute: null,
    },
    message: '',
    path: [],
    remedy: `Bound ${name}.`,
    ...more,
  };
}

function hunt(input: string, suspects: Suspect[], more: Partial<LeakReport> = {}): Hunt {
  const facts = { file: 'a', fileBytes: 1, nodeCount: 10, edgeCount: 1, heapBytes: 1e6, takenAt: null };
  const report: LeakReport = {
    schema: 'evdiag-leaks/1',
    input: 'snapshots',
    snapshots: [facts, facts, { ...facts, heapBytes: 1e6 + 102_400 }],
    spanMs: 30_000,
    work: { unit: 'request', count: 1000 },
    suspects,
    notes: [],
    ...more,
  };
  return { input, report };
}

const outcomes = (before: Suspect[], after: Suspect[], more: Partial<LeakReport> = {}): string[] =>
  compareHunts(hunt('a', before), hunt('b', after, more)).suspects.map(
    ({ outcome, before: was, after: is }) => `${outcome} ${(was ?? is)!.holder.split('"')[1]}`,
  );

test('what is gone, what remains and what is new, with growth per request', () => {
  const before = hunt('a', [suspect('sessions', 1000), suspect('log', 2000)]);
  const after = hunt('b', [suspect('log', 500), suspect('cache', 500)], { work: { unit: 'request', count: 500 } });
  const comparison = compareHunts(before, after);
  expect(comparison).toMatchObject({ schema: 'evdiag-leaks-diff/1', verdict: 'remains', unit: 'request' });
  expect(comparisonText(comparison, plain)).toBe(`1 of 2 suspects is gone, 1 remains, 1 is new.
before  3 snapshots, 30 s, 1 000 requests: the heap grows by 102 B per request
after   3 snapshots, 30 s, 500 requests: the heap grows by 205 B per request

remains    module variable "log"  /srv/app/shop.js:7
           2 objects and 200 B per request before, 1 object and 100 B per request after (−50 %).
           → Bound log.

new        module variable "cache"  /srv/app/shop.js:7
           Did not grow before; now 1 object and 100 B per request.
           → Bound cache.

gone       module variable "sessions"  /srv/app/shop.js:7
           1 object and 100 B per request before, nothing after.
`);
});

describe('one suspect is the same before and after', () => {
  const old = suspect('sessions', 1000);
  const place = old.place!;

  test.each([
    ['when its line has moved', { place: { ...place, line: 90 } }],
    ['in another checkout', { place: { ...place, file: '/home/me/app/shop.js' } }],
    ['when it holds another class', { className: 'Session2' }],
    ['when its holder has another name and the class is the program’s', { holder: 'module variable "kept"' }],
    ['when both lines are unknown', { place: null }, { place: null }],
  ] as [string, Partial<Suspect>, Partial<Suspect>?][])('%s', (_, more, oldMore = {}) => {
    expect(outcomes([{ ...old, ...oldMore }], [{ ...old, ...more }])).toEqual(['remains sessions']);
  });

  test.each([
    ['another file', { place: { ...place, file: '/srv/app/other.js' } }],
    ['another function', { place: { ...place, function: 'handler' }, className: 'Object' }],
    ['another name, of plain objects', { holder: 'module variable "kept"', className: 'Object' }],
  ] as [string, Partial<Suspect>][])('but not in %s', (_, more) => {
    const plainOld = { ...old, className: 'className' in more ? 'Object' : old.className };
    expect(outcomes([plainOld], [{ ...old, ...more }])).toEqual([expect.stringMatching(/^new/), 'gone sessions']);
  });

  test('each is taken once, the nearest line first', () => {
    const at = (line: number): Suspect => suspect('timers', 1000, { place: { ...place, line } });
    const { suspects } = compareHunts(hunt('a', [at(10), at(50)]), hunt('b', [at(48)]));
    expect(suspects.map(({ outcome, before, after }) => [outcome, before?.place?.line, after?.place?.line])).toEqual([
      ['remains', 50, 48],
      ['gone', 10, undefined],
    ]);
  });
});

describe('nothing is called gone that could not have been seen', () => {
  // One object a request; two intervals of 10 objects, twice over.
  test.each([
    [39, 'unclear'],
    [40, 'gone'],
  ])('after %i requests it is %s', (count, outcome) => {
    expect(outcomes([suspect('log', 1000)], [], { work: { unit: 'request', count } })).toEqual([`${outcome} log`]);
  });

  test.each([
    [[30, 470], 'unclear'],
    [[200, 300], 'gone'],
  ])('with %j requests between the snapshots it is %s: leaks grow in both intervals', (counts, outcome) => {
    const work = { unit: 'request', count: 500, counts } as const;
    expect(outcomes([suspect('log', 1000)], [], { work })).toEqual([`${outcome} log`]);
    const comparison = compareHunts(hunt('a', [suspect('log', 1000)]), hunt('b', [], { work }));
    const words = 'too uneven to tell: 30 requests and 470 requests between the snapshots.';
    expect(comparisonText(comparison, { ...plain, width: 300 }).includes(words)).toBe(outcome === 'unclear');
  });

  test('it says how many requests are needed', () => {
    const comparison = compareHunts(
      hunt('a', [suspect('log', 20)]),
      hunt('b', [], { work: { unit: 'request', count: 100 } }),
    );
    expect(comparison.verdict).toBe('unclear');
    expect(comparisonText(comparison, plain).replace(/\s+/g, ' ')).toContain(
      '20 objects and 2 KiB per 1 000 requests before. It does not grow after, but that was too short to tell: 100 requests, and at least 2 000 requests are needed.',
    );
  });

  test('a rule that had no data cannot say that a recording is clean', () => {
    const leak = suspect('listeners', 1000, { rule: 'leaked-listeners' });
    const of = (judged: string[]) =>
      compareHunts(hunt('a', [leak], { input: 'recording', snapshots: [] }), {
        ...hunt('b', [], { input: 'recording', snapshots: [], judged }),
      }).suspects.map(({ outcome }) => outcome);
    expect(of([])).toEqual(['unclear']);
    expect(of(['leaked-listeners'])).toEqual(['gone']);
  });
});

test('without requests growth is compared by minute, without times as a whole, and it says so', () => {
  const before = hunt('a', [suspect('log', 1000)], { work: null });
  const byMinute = compareHunts(before, hunt('b', [suspect('log', 1000)], { spanMs: 60_000 }));
  expect(comparisonText(byMinute, plain)).toContain('2 000 objects and 195 KiB per minute before, 1 000 objects');
  expect(byMinute.notes[0]).toContain('compared by minute');
  const copies = compareHunts(before, hunt('b', [], { work: null, spanMs: 3 }));
  expect(copies).toMatchObject({ unit: 'measurement', verdict: 'fixed' });
  expect(copies.notes[0]).toContain('Neither requests nor times');
});

test.each([
  [['a'], [], 'The suspect is gone.'],
  [['a'], ['a'], 'The suspect remains.'],
  [['a'], ['a', 'b'], 'The suspect remains, 1 is new.'],
  [[], ['a'], 'Nothing grew like a leak before, 1 is new.'],
  [['a', 'b'], ['a', 'b'], 'None of 2 suspects is gone, 2 remain.'],
  [['a', 'b'], [], 'All 2 suspects are gone.'],
])('%j before and %j after: %s', (before, after, headline) => {
  const of = (names: string[]) => names.map((name) => suspect(name, 1000));
  expect(comparisonText(compareHunts(hunt('a', of(before)), hunt('b', of(after))), plain)).toContain(`${headline}\n`);
});

test('requests here and jobs there are pieces of work', () => {
  const jobs = hunt('b', [suspect('log', 1000)], { work: { unit: 'job', count: 1000 } });
  expect(comparisonText(compareHunts(hunt('a', [suspect('log', 1000)]), jobs), plain)).toContain('per piece of work');
});

test('where nothing grows in either, there was nothing to mend', () => {
  const comparison = compareHunts(hunt('a', []), hunt('b', []));
  expect(comparison.verdict).toBe('clean');
  expect(comparisonText(comparison, plain)).toMatch(/^Nothing grew like a leak before, and nothing does after\./);
});

test('single snapshots, and a recording beside snapshots, are refused in a sentence', () => {
  const one = hunt('one.heapsnapshot', [], { input: 'snapshot', spanMs: null });
  expect(incomparable(one, hunt('b', []))).toContain('"one.heapsnapshot" is one snapshot');
  expect(incomparable(hunt('a', []), hunt('b', [], { input: 'process', spanMs: null }))).toContain('"b" has only one');
  expect(incomparable(hunt('a', []), hunt('rec', [], { input: 'recording' }))).toContain('"rec" is a recording');
  expect(incomparable(hunt('a', []), hunt('b', []))).toBeNull();
});

describe('names in a heap are hostile', () => {
  const place = { file: HOSTILE, line: 1, column: 1, function: HOSTILE };
  const hostile = suspect('log', 1000, { holder: HOSTILE, remedy: HOSTILE, place });
  const comparison = compareHunts(hunt(HOSTILE, [hostile]), hunt(HOSTILE, [hostile]));

  test('they bring no control characters and no tags', () => {
    for (const text of [comparisonText(comparison, plain), comparisonHtml(comparison), comparisonMarkdown(comparison)])
      expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/);
    expect(comparisonHtml(comparison)).not.toMatch(/<script|<img/i);
    expect(comparisonHtml(comparison).replace(/<[^<>]*>/g, '')).not.toMatch(/[<>]/);
  });

  test('places in the page open in the editor that is wanted', () => {
    const comparison = compareHunts(hunt('a', [suspect('log', 2000)]), hunt('b', [suspect('log', 500)]));
    const page = comparisonHtml(comparison, 'my://{file}:{line}');
    expect(page).toContain('<a href="my:///srv/app/shop.js:7"><code>');
  });

  test('the page loads nothing and follows the colours of the reader', () => {
    const page = comparisonHtml(compareHunts(hunt('a', [suspect('log', 1000)]), hunt('b', [])));
    expect(page).toContain('prefers-color-scheme:dark');
    expect(page).not.toMatch(/https?:|src=|href=|url\(/);
  });
});
