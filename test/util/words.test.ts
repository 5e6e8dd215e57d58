import { expect, test } from 'vitest';
import { fullThreadName, threadName } from '../../src/recording/thread-name.ts';
import { codeSpan, escapeMarkdown } from '../../src/util/markdown.ts';
import { lineText, placeText } from '../../src/util/place-text.ts';

test('a place has as much as is known of it, and steers no terminal', () => {
  expect(lineText({ file: 'a.js', line: 3 })).toBe('a.js:3');
  expect(lineText({ file: 'a.js', line: 3, column: 7 })).toBe('a.js:3:7');
  expect(placeText({ file: 'a.js', line: 3, column: 7, function: '' })).toBe('a.js:3:7');
  expect(placeText({ file: 'a.js', line: 3, function: 'ha\u001b[2Jndler' })).toBe('a.js:3 ha[2Jndler');
});

test('a thread is named by its number', () => {
  expect([0, 3].map(threadName)).toEqual(['main thread', 'worker 3']);
  expect(fullThreadName({ pid: 12, threadId: 3 })).toBe('worker 3 of pid 12');
});

test('in Markdown, names are text: no markup, no entity, no end of the code span', () => {
  expect(escapeMarkdown('<b>_x_</b> | ~a~ &lt; {y}')).toBe('\\<b\\>\\_x\\_\\</b\\> \\| \\~a\\~ &amp;lt; \\{y\\}');
  expect(codeSpan('a`b``c')).toBe('``` a`b``c ```');
  expect(codeSpan('plain')).toBe('`plain`');
});
