import { describe, expect, test } from 'vitest';
import { leaksHtml } from '../../src/leaks/html.ts';
import { leaksMarkdown } from '../../src/leaks/markdown.ts';
import { leaksSvg } from '../../src/leaks/picture.ts';
import { leaksText } from '../../src/leaks/text.ts';
import type { LeakReport, PathStep, Suspect } from '../../src/leaks/types.ts';
import { painter } from '../../src/util/terminal.ts';

const HOSTILE = '\x1b[31m</script><script>alert(1)</script>"><img src=x onerror=alert(1)>`*\u202e';

const step = (name: string, more: Partial<PathStep> = {}): PathStep => ({
  via: '',
  name,
  repeats: 1,
  bytes: 2048,
  place: null,
  ...more,
});

function suspect(name: string, more: Partial<Suspect> = {}): Suspect {
  const place = { file: `/app/${name}.js`, line: 7, column: 3, function: name };
  return {
    kind: 'collection',
    confidence: 'likely',
    holder: `module variable "${name}"`,
    place,
    className: name,
    count: 1000,
    bytes: 4096,
    growth: {
      counts: [500, 500],
      newBytes: [100, 200],
      heldBytes: [1, 2, 3],
      countPerMinute: 60,
      bytesPerMinute: 1024,
    },
    message: `1 000 ${name} came.`,
    path: [step(`module variable "${name}"`, { place }), step('Map'), step(name, { via: 'entry', repeats: 3 })],
    remedy: 'Give it a bound.',
    ...more,
  };
}

function report(suspects: Suspect[]): LeakReport {
  const facts = { file: 'a', fileBytes: 1, nodeCount: 12_345, edgeCount: 1, heapBytes: 1024, takenAt: null };
  return {
    schema: 'evdiag-leaks/1',
    input: 'snapshots',
    snapshots: [facts, facts, facts],
    spanMs: 20_000,
    suspects,
    notes: ['A note.'],
  };
}

const plain = { paint: painter(false), width: 100 };

test('the text', () => {
  expect(leaksText(report([suspect('Session')]), plain)).toBe(`1 thing grows.
3 snapshots: heap 1 KiB → 1 KiB → 1 KiB, 12 345 objects, 20 s apart

 1 module variable "Session"  /app/Session.js:7 (Session)
   1 000 Session came.
   grows by 1 KiB and 60 objects per minute
   Map                                2 KiB
     entry: Session (3 in a row)      2 KiB
   → Give it a bound.

A note.
`);
});

test('nothing', () => {
  expect(leaksText(report([]), plain)).toContain('Nothing grew like a leak.');
  expect(leaksText({ ...report([]), snapshots: [] }, plain)).toContain('Nothing stands out.');
});

test('many suspects and long paths are cut short, and it says so', () => {
  const many = Array.from({ length: 30 }, (_, i) => suspect(`Class${i}`));
  expect(leaksText(report(many), plain)).toContain('18 smaller ones are left out');
  const path = Array.from({ length: 40 }, (_, i) => step(`step ${i}`));
  const text = leaksText(report([suspect('Deep', { path })]), plain);
  expect(text).toContain('…');
  expect(text.split('\n').length).toBeLessThan(25);
  expect(leaksSvg(report([suspect('Deep', { path })]))).toContain('step 39');
});

describe('names in a heap are hostile', () => {
  const hostile = report([suspect(HOSTILE), suspect('b', { holder: HOSTILE, message: HOSTILE, remedy: HOSTILE })]);

  test.each([
    ['text', leaksText(hostile, plain)],
    ['markdown', leaksMarkdown(hostile)],
    ['html', leaksHtml(hostile)],
    ['svg', leaksSvg(hostile)],
  ])('%s has no control characters', (_, text) => {
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/);
  });

  test.each([
    ['html', leaksHtml(hostile)],
    ['svg', leaksSvg(hostile)],
  ])('%s has no tags and attributes of theirs', (_, text) => {
    expect(text).not.toMatch(/<script|<img/i);
    expect(text.replace(/<[^<>]*>/g, '')).not.toMatch(/[<>]/);
  });

  test('markdown has no tags outside of code', () => {
    const outside = leaksMarkdown(hostile).replace(/(`+)[^\n]*?[^`]\1(?!`)/g, '');
    expect(outside).not.toMatch(/(?<!\\)<(script|img)/);
  });
});

test('places in the page open in the editor that is wanted', () => {
  const place = { file: '/srv/a b.js', line: 7, column: 3, function: '"><script>' };
  const page = leaksHtml(report([suspect('A', { place })]), 'my://open?f={file}&l={line}');
  expect(page).toContain('<a href="my://open?f=/srv/a%20b.js&amp;l=7"><code>/srv/a b.js:7');
  expect(page).not.toContain('<script');
  expect(leaksHtml(report([suspect('A', { place })]))).not.toContain('href=');
});

test('the pictures load nothing and follow the colours of the reader', () => {
  for (const page of [leaksHtml(report([suspect('A')])), leaksSvg(report([suspect('A')]))]) {
    expect(page).toContain('prefers-color-scheme:dark');
    expect(page.replace('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:|src=|href=|url\(/);
  }
});
